//! The files that everybody is given. They are made anew by ffmpeg and the packager, from nothing.

use std::path::{Path, PathBuf};

use super::tools::output;
use super::Result;

pub(crate) const KID: &str = "00112233445566778899aabbccddeeff";
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Paths of the files.
pub(crate) struct Inputs {
    /// 720p at 5 Mb/s with stereo AAC, fragments of two seconds.
    pub(crate) clear: PathBuf,
    /// The same as a transport stream.
    pub(crate) stream: PathBuf,
    /// The picture of it alone, by scheme.
    pub(crate) protected: Vec<(&'static str, PathBuf)>,
}

impl Inputs {
    pub(crate) fn make(folder: &Path, packager: Option<&Path>) -> Result<Self> {
        let path = |name: &str| folder.join(name);
        let text = |name: &str| path(name).to_str().map(str::to_owned).ok_or("a path that is no text");
        let quiet = ["-nostdin", "-v", "error", "-y"];
        let picture = "testsrc2=s=1280x720:r=25:d=20,noise=alls=12:allf=t";
        let (one, clear, stream) = (text("one.mp4")?, text("clear.mp4")?, text("in.ts")?);
        let encode = [
            "-f",
            "lavfi",
            "-i",
            picture,
            "-f",
            "lavfi",
            "-i",
            "sine=f=440:r=48000:d=20",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-bf",
            "2",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "50",
            "-keyint_min",
            "50",
            "-sc_threshold",
            "0",
            "-b:v",
            "5M",
            "-maxrate",
            "5M",
            "-bufsize",
            "5M",
            "-c:a",
            "aac",
            "-b:a",
            "128k",
            "-ac",
            "2",
            &one,
        ];
        output("ffmpeg", &[&quiet[..], &encode].concat())?;
        // Twenty seconds, ten times.
        let again = ["-stream_loop", "9", "-i", &one, "-c", "copy"];
        output("ffmpeg", &[&quiet[..], &again, &["-f", "mpegts", &stream]].concat())?;
        let fragmented = ["-movflags", "frag_keyframe+empty_moov+default_base_moof", &clear];
        output("ffmpeg", &[&quiet[..], &again, &fragmented].concat())?;
        let mut protected = Vec::new();
        for (scheme, iv) in [("cenc", "1122334455667788"), ("cbcs", "11223344556677889900112233445566")] {
            let Some(packager) = packager.and_then(Path::to_str) else { continue };
            let file = text(&format!("{scheme}.mp4"))?;
            let descriptor = format!("in={clear},stream=video,output={file}");
            let keys = format!("label=:key_id={KID}:key={KEY}:iv={iv}");
            let options = [
                "--quiet",
                &descriptor,
                "--enable_raw_key_encryption",
                "--clear_lead",
                "0",
                "--protection_scheme",
                scheme,
                "--keys",
                &keys,
                "--segment_duration",
                "2",
                "--fragment_duration",
                "2",
            ];
            output(packager, &options)?;
            protected.push((scheme, path(&format!("{scheme}.mp4"))));
        }
        Ok(Self { clear: path("clear.mp4"), stream: path("in.ts"), protected })
    }
}
