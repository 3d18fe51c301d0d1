//! What outlives a session: the network's throughput, in a file.

mod kind;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use telecine_engine::abr::ThroughputMemory;
use telecine_engine::Config;
use telecine_model::{Error, ErrorCode, NetworkType, Timestamp};

use self::kind::network_type;

/// How often what is known is kept while a title plays.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// Keeps a [`ThroughputMemory`] in a folder of the application's, for [`PlayerBuilder::remember`](crate::PlayerBuilder::remember)
/// and for those who drive an engine by themselves.
///
/// It is one file of at most some hundred bytes, with rates and times in it, and without hosts or titles. It is replaced as a
/// whole: whoever reads it, or is interrupted while writing, finds the old one or the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThroughputStore {
    folder: PathBuf,
}

impl ThroughputStore {
    /// The name of the file.
    pub const FILE: &str = "throughput";

    /// A store in a folder, which is made when it is first written to.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// What was kept; None if nothing was.
    ///
    /// # Errors
    /// [`ErrorCode::MemoryInvalid`] if there is something that cannot be read. A player goes without it, and replaces it.
    pub fn load(&self) -> Result<Option<ThroughputMemory>, Error> {
        let path = self.folder.join(Self::FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, "cannot be read", &error)),
        };
        // One byte more than there can be says that it is something else.
        let mut bytes = Vec::new();
        file.take(ThroughputMemory::MOST_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(&path, "cannot be read", &error))?;
        ThroughputMemory::from_bytes(&bytes).map(Some).map_err(|error| error.fact("file", path.display()))
    }

    /// Keeps a memory in place of the one before.
    ///
    /// # Errors
    /// [`ErrorCode::MemoryInvalid`] if the file system refuses.
    pub fn save(&self, memory: &ThroughputMemory) -> Result<(), Error> {
        let path = self.folder.join(Self::FILE);
        self.replace(&path, &memory.to_bytes()).map_err(|error| failed(&path, "cannot be written", &error))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // Each writer has one of its own, and the last one wins whole.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let new = self.folder.join(format!("{}.{}.{nth}.new", Self::FILE, std::process::id()));
        let written = (|| {
            let mut file = File::create(&new)?;
            file.write_all(bytes)?;
            // Else a name may outlive a power failure that its bytes do not.
            file.sync_all()?;
            fs::rename(&new, path)
        })();
        if written.is_err() {
            // What is left of it is of no use; that it cannot be removed either changes nothing.
            let _ = fs::remove_file(&new);
        }
        written
    }
}

fn failed(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::new(ErrorCode::MemoryInvalid, format!("the memory of throughput {what}: {error}"))
        .fact("file", path.display())
}

/// What a player remembers, and where.
pub(crate) struct Memory {
    store: Option<ThroughputStore>,
    /// The kind of network, if the application says it.
    pub(crate) network: Option<NetworkType>,
    /// Why nothing was read, until that is told.
    pub(crate) unread: Option<Error>,
    /// When it was kept last, and what that was.
    kept: (Timestamp, Option<ThroughputMemory>),
}

impl Memory {
    /// Reads what there is into the configuration.
    pub(crate) fn open(store: Option<ThroughputStore>, network: Option<NetworkType>, config: &mut Config) -> Self {
        let (read, unread) = match store.as_ref().map_or(Ok(None), ThroughputStore::load) {
            Ok(read) => (read, None),
            Err(error) => (None, Some(error)),
        };
        if config.memory.is_none() {
            config.memory.clone_from(&read);
        }
        Self { store, network, unread, kept: (Timestamp::ZERO, read) }
    }

    /// The kind of network, if anybody wants to know.
    pub(crate) fn network(&self) -> Option<NetworkType> {
        self.network.or_else(|| self.store.is_some().then(network_type))
    }

    /// Whether it is time to keep what is known.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.store.is_some() && now.since(self.kept.0) >= KEEP_EVERY
    }

    /// Keeps what is known, where it is anything new. The player's task waits until the file system has its hundred bytes.
    pub(crate) fn keep(&mut self, now: Timestamp, known: impl FnOnce() -> ThroughputMemory) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let known = known();
        self.kept.0 = now;
        if known.is_empty() || self.kept.1.as_ref() == Some(&known) {
            return Ok(());
        }
        let saved = store.save(&known);
        // What cannot be written is not tried, and told, again until it is another.
        self.kept.1 = Some(known);
        saved
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)] // These are tests.
mod tests {
    use telecine_engine::abr::Remembered;
    use telecine_model::WallTime;

    use super::*;

    fn memory(low: u64) -> ThroughputMemory {
        let mut memory = ThroughputMemory::default();
        memory.put(NetworkType::Wifi, Remembered { median: low, low, at: WallTime::from_millis(1) });
        memory
    }

    #[test]
    fn what_was_kept_is_there_again_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = ThroughputStore::new(folder.path().join("made/when/needed"));
        assert_eq!(store.load(), Ok(None));
        for low in [5, 7] {
            store.save(&memory(low)).expect("written");
            assert_eq!(store.load(), Ok(Some(memory(low))));
        }
        let files: Vec<_> = fs::read_dir(folder.path().join("made/when/needed")).expect("a folder").collect();
        assert_eq!(files.len(), 1, "nothing else is left: {files:?}");
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = ThroughputStore::new(folder.path());
        let file = folder.path().join(ThroughputStore::FILE);
        for nonsense in [&b""[..], b"nonsense", &[0; 100_000]] {
            fs::write(&file, nonsense).expect("written");
            let error = store.load().expect_err("nonsense");
            assert_eq!(error.code(), ErrorCode::MemoryInvalid);
            assert!(error.facts().contains_key("file"), "{error}");
        }
        store.save(&memory(3)).expect("it is replaced");
        assert_eq!(store.load(), Ok(Some(memory(3))));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), b"").expect("written");
        let store = ThroughputStore::new(folder.path().join("file"));
        assert_eq!(store.save(&memory(3)).map_err(|error| error.code()), Err(ErrorCode::MemoryInvalid));
    }
}
