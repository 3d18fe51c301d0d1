//! Keys of whole segments (HLS: rfc8216bis, 4.4.4.4): what a playlist says of them, and the key files.

use std::sync::Arc;

use telecine_container::SampleAes;
use telecine_delivery::RequestClass;
use telecine_drm::system::DataUri;
use telecine_drm::{implicit_iv, SecretBytes, SegmentDecryptor, SegmentKey, SoftwareAes};
use telecine_model::hash::Fnv1a;
use telecine_model::protection::{Key, KeyId, KeyMethod};
use telecine_model::{uri, Error, ErrorCode, Handling, SortedMap, SortedSet, TrackKind};

use super::facts::NeedId;
use crate::engine::Engine;
use crate::event::DecisionKind;
use crate::requests::{Purpose, Request};
use crate::select::Step;
use crate::stream::{RenditionRef, Stream};

/// Key files that are kept: with a key for each segment, those of what may be fetched again.
const KEPT: usize = 64;

/// What the key tags in force say of a segment or an initialisation section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// Nothing is encrypted.
    None,
    /// All of its bytes are.
    Whole(Lock),
    /// Its samples are; in streams, which do not say how, as this does.
    Samples(Lock),
}

/// How the bytes of a resource are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    method: KeyMethod,
    /// Absolute URL of the key file.
    pub(crate) file: Arc<str>,
    iv: Option<[u8; 16]>,
}

impl Cover {
    /// Reads the key tags in force. `base` is the playlist's URL.
    ///
    /// # Errors
    /// `KeyUnavailable` for methods that are not known: nothing may be decrypted under them (H057);
    /// `KeySystemUnavailable` if whole segments are encrypted under keys of another format than `identity`.
    pub(crate) fn of(keys: &[Key], base: &str) -> Result<Self, Error> {
        let whole = |key: &&Key| matches!(key.method, KeyMethod::Aes128 | KeyMethod::Aes256 | KeyMethod::Aes256Gcm);
        let samples = |key: &Key| matches!(key.method, KeyMethod::SampleAes | KeyMethod::SampleAesCtr);
        let resolved = |reference: &str| match DataUri::is_one(reference) {
            true => reference.to_owned(),
            false => uri::resolve(base, reference),
        };
        let identity = keys.iter().filter(whole).find(|key| key.key_format.eq_ignore_ascii_case("identity"));
        if let Some((key, reference)) = identity.and_then(|key| Some((key, key.uri.as_deref()?))) {
            let file = resolved(reference).into();
            return Ok(Self::Whole(Lock { method: key.method.clone(), file, iv: key.iv }));
        }
        let mut of_samples = keys.iter().filter(|key| samples(key));
        let first = of_samples.clone().next();
        let tag = of_samples.find(|key| key.key_format.eq_ignore_ascii_case("identity")).or(first);
        if let Some(key) = tag {
            let file = resolved(key.uri.as_deref().unwrap_or_default());
            return Ok(Self::Samples(Lock { method: key.method.clone(), file: file.into(), iv: key.iv }));
        }
        match keys.first() {
            None => Ok(Self::None),
            Some(key) if whole(&key) => {
                let message = format!("segments under {} keys of the format {}", key.method.name(), key.key_format);
                Err(Error::new(ErrorCode::KeySystemUnavailable, message))
            }
            Some(key) => {
                let message = format!("segments are encrypted by {}, which is not known", key.method.name());
                Err(Error::new(ErrorCode::KeyUnavailable, message).fact("method", key.method.name()))
            }
        }
    }

    /// How all of the bytes are encrypted, if they are.
    pub(crate) fn lock(&self) -> Option<&Lock> {
        match self {
            Self::Whole(lock) => Some(lock),
            Self::None | Self::Samples(_) => None,
        }
    }

    /// How the samples of a stream are encrypted, in the segment of this number. The identifier is only a name.
    pub(crate) fn sample_aes(&self, number: u64) -> Option<SampleAes> {
        let Self::Samples(lock) = self else { return None };
        let half = |salt: u8| {
            let mut hash = Fnv1a::default();
            hash.update(&[salt]);
            hash.update(lock.file.as_bytes());
            u128::from(hash.finish())
        };
        let key_id = KeyId((half(1) << 64 | half(2)).to_be_bytes());
        Some(SampleAes { key_id, iv: lock.iv.unwrap_or_else(|| implicit_iv(number)) })
    }
}

/// Why a rendition is not played.
#[derive(Clone, Debug)]
pub(crate) enum Bar {
    /// What the manifest says of its keys cannot be fulfilled.
    Fault(Box<Error>),
    /// Its key file is missing.
    File(Lock),
    /// The keys that its media names are.
    Need(NeedId),
}

/// A key file.
enum KeyFile {
    /// On its way.
    Asked,
    /// Here; its bytes are absent in a replay.
    Here(Option<SecretBytes>),
    /// It cannot be had.
    Missing(Error),
}

/// The key files of a title.
#[derive(Default)]
pub(crate) struct KeyFiles {
    files: SortedMap<Arc<str>, (u64, KeyFile)>,
    /// Counts them, so that the oldest go first.
    count: u64,
    /// Those with which media could be read: they are the right ones.
    proved: SortedSet<Arc<str>>,
    /// A key that the application gave, for every segment.
    given: Option<GivenKey>,
}

/// A key for whole segments that the application gave.
#[derive(Clone, Debug)]
pub(crate) struct GivenKey {
    pub(crate) length: usize,
    /// Absent in a replay.
    pub(crate) bytes: Option<SecretBytes>,
}

impl KeyFiles {
    /// No files yet.
    pub(crate) fn new(given: Option<GivenKey>) -> Self {
        Self { given, ..Self::default() }
    }

    fn put(&mut self, file: Arc<str>, state: KeyFile) {
        self.count += 1;
        self.files.insert(file, (self.count, state));
        while self.files.len() > KEPT {
            let here = self.files.iter().filter(|(_, (_, state))| !matches!(state, KeyFile::Asked));
            let Some(oldest) = here.min_by_key(|(_, (count, _))| *count).map(|(file, _)| Arc::clone(file)) else {
                return;
            };
            self.files.remove(&oldest);
            self.proved.remove(&oldest);
        }
    }

    fn is_known(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    fn forget(&mut self, file: &str) {
        self.files.remove(file);
    }

    /// Whether what is under a lock can be read.
    pub(crate) fn opens(&self, lock: &Lock) -> bool {
        matches!(self.files.get(&lock.file), Some((_, KeyFile::Here(_))))
    }

    /// Why what is under a lock will not be read.
    pub(crate) fn fault(&self, lock: &Lock) -> Option<&Error> {
        match self.files.get(&lock.file) {
            Some((_, KeyFile::Missing(error))) => Some(error),
            _ => None,
        }
    }

    /// What could not be had may be asked for again.
    pub(crate) fn forget_missing(&mut self) {
        self.files.retain(|_, (_, state)| !matches!(state, KeyFile::Missing(_)));
    }

    /// What a file's key decrypts is no media: it is not the key.
    pub(crate) fn refute(&mut self, lock: &Lock, error: Error) {
        self.put(Arc::clone(&lock.file), KeyFile::Missing(error));
    }

    /// Media was read with a file's key.
    pub(crate) fn prove(&mut self, lock: &Lock) {
        if !self.proved.contains(&lock.file) {
            self.proved.insert(Arc::clone(&lock.file));
        }
    }

    /// Whether media was ever read with a file's key.
    pub(crate) fn is_proved(&self, lock: &Lock) -> bool {
        self.proved.contains(&lock.file)
    }

    /// A decryptor of what is under a lock; None in a replay.
    ///
    /// # Errors
    /// Those of [`SegmentKey::from_file`] and [`SegmentDecryptor::new`].
    pub(crate) fn open(&self, lock: &Lock, number: u64) -> Result<Option<SegmentDecryptor>, Error> {
        let Some((_, KeyFile::Here(Some(bytes)))) = self.files.get(&lock.file) else { return Ok(None) };
        let key = SegmentKey::from_file(&lock.method, bytes.expose())?;
        SegmentDecryptor::new(&SoftwareAes, &lock.method, &key, lock.iv, number).map(Some)
    }
}

impl Engine {
    /// Asks for a key file, unless that was done.
    pub(crate) fn ask_for_key_file(&mut self, lock: &Lock) {
        let file = Arc::clone(&lock.file);
        if self.title.key_files.is_known(&file) {
            return;
        }
        if let Some(given) = self.title.key_files.given.clone() {
            let state = self.judge_key_file(&lock.method, given.length, given.bytes);
            return self.title.key_files.put(file, state);
        }
        let purpose = Purpose::KeyFile(Arc::clone(&file), lock.method.clone());
        let state = match self.fetch(RequestClass::Key, purpose, None, file.to_string(), None) {
            Ok(_) => KeyFile::Asked,
            Err(error) => KeyFile::Missing(error),
        };
        self.title.key_files.put(file, state);
    }

    /// A key file arrived.
    pub(crate) fn on_key_file(&mut self, file: Arc<str>, method: &KeyMethod, mut request: Request) {
        let length = usize::try_from(request.received).unwrap_or(usize::MAX);
        let bytes = std::mem::take(&mut *request.secret);
        let bytes = (bytes.len() == length).then(|| SecretBytes::new(bytes));
        let state = self.judge_key_file(method, length, bytes);
        if let KeyFile::Missing(error) = &state {
            let error = error.clone().fact("url", self.outbox.secrets.shown(request.url()));
            return self.on_key_file_missing(file, error);
        }
        self.title.key_files.put(file, state);
        self.read_what_waited();
    }

    /// Only the length of a key can be wrong, and that a replay knows too.
    fn judge_key_file(&self, method: &KeyMethod, length: usize, bytes: Option<SecretBytes>) -> KeyFile {
        let needed = if *method == KeyMethod::Aes128 { 16 } else { 32 };
        match length == needed {
            true => KeyFile::Here(bytes),
            false => {
                let message = format!("a key of {} needs {needed} bytes, the key file has {length}", method.name());
                KeyFile::Missing(Error::new(ErrorCode::KeyUnavailable, message))
            }
        }
    }

    /// A key file cannot be had.
    pub(crate) fn on_key_file_missing(&mut self, file: Arc<str>, error: Error) {
        if self.waiting_for(&file).next().is_none() {
            // It was asked for ahead: whoever needs it asks again.
            self.title.key_files.forget(&file);
            return self.report(key_error(error).recovered(Handling::Retried));
        }
        let error = key_error(error);
        self.title.key_files.put(file, KeyFile::Missing(error));
        self.read_what_waited();
    }

    /// Streams that fetch what is under a key file.
    fn waiting_for<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a Stream> {
        self.streams.values().filter(move |stream| {
            let fetch = stream.fetch.as_ref();
            fetch.is_some_and(|fetch| fetch.locks().any(|lock| &*lock.file == file))
        })
    }

    /// Whether something that waits for a key file may be had under another key.
    pub(crate) fn has_other_key(&self, file: &str) -> bool {
        let mut waiting = self.waiting_for(file).peekable();
        waiting.peek().is_some()
            && waiting.all(|stream| {
                let Some(fetch) = &stream.fetch else { return false };
                self.usable_steps(stream).iter().any(|step| {
                    let other = stream.reference(step.rendition);
                    other != fetch.rendition && self.lock_at(other, fetch.start).is_some_and(|lock| &*lock.file != file)
                })
            })
    }

    /// The lock of a rendition's segment at a time, if its playlist is known and says so.
    fn lock_at(&self, reference: RenditionRef, at: telecine_model::MediaTime) -> Option<Lock> {
        let index = self.rendition(reference)?.segments.known()?;
        let keys = index.keys.get(index.number_at(at)?)?;
        Cover::of(keys, &index.base).ok()?.lock().cloned()
    }

    /// Why a rendition is not played for want of keys, if it is not.
    pub(crate) fn key_fault(&self, stream: &Stream, rendition: usize) -> Option<&Error> {
        let reference = stream.reference(rendition);
        let need = self.title.rendition_needs.get(&reference).and_then(|(_, id)| self.need_fault(*id));
        if need.is_some() {
            return need;
        }
        match self.title.barred.get(&reference)? {
            Bar::Fault(error) => Some(error),
            Bar::Need(id) => self.need_fault(*id),
            Bar::File(lock) => {
                let error = self.title.key_files.fault(lock)?;
                // Rotation may have brought another.
                let next = self.lock_at(reference, stream.next_time(self.needed_from(stream)));
                next.is_none_or(|next| next.file == lock.file).then_some(error)
            }
        }
    }

    /// Why one of the renditions of a kind's ladder is not played for want of keys, if one is not.
    pub(crate) fn ladder_fault(&self, kind: TrackKind) -> Option<Error> {
        let stream = self.streams.get(&kind)?;
        let mut renditions = stream.ladder.iter().flat_map(Step::candidates);
        renditions.find_map(|rendition| self.key_fault(stream, rendition)).cloned()
    }

    /// Reads what waited for a key file or an initialisation section that is here now.
    fn read_what_waited(&mut self) {
        let kinds: Vec<TrackKind> = self.streams.keys().copied().collect();
        for kind in kinds {
            self.open_early(kind);
        }
    }

    /// What is being fetched for a kind cannot be decrypted: another rendition under another key, or the end.
    pub(crate) fn replace_unkeyed(&mut self, kind: TrackKind, error: Error) {
        if self.fetches_again(kind) {
            return self.fail_again(kind, &error);
        }
        let Some(stream) = self.streams.get_mut(&kind) else { return };
        let Some(fetch) = stream.fetch.take() else { return };
        let error = self.in_segment(error, kind, &fetch, false);
        for id in [fetch.request, fetch.init_request].into_iter().flatten() {
            self.cancel(id);
        }
        self.forget_retries(kind);
        self.drop_torn(kind);
        if let Some(stream) = self.streams.get_mut(&kind) {
            stream.fetch_elsewhere();
        }
        let missing = fetch.locks().find(|lock| self.title.key_files.fault(lock).is_some()).cloned();
        match (missing, self.title.barred.get(&fetch.rendition)) {
            (Some(lock), _) => drop(self.title.barred.insert(fetch.rendition, Bar::File(lock))),
            (None, Some(Bar::Need(_))) => {}
            (None, _) => drop(self.title.barred.insert(fetch.rendition, Bar::Fault(Box::new(error.clone())))),
        }
        let left = self.streams.get(&kind).is_some_and(|stream| !self.usable_steps(stream).is_empty());
        match (left, kind) {
            (true, _) => {
                let why = vec![error.message().to_owned()];
                self.report(error.recovered(Handling::Replaced));
                let from = self.rendition_name(kind, fetch.rendition.rendition);
                self.decide(DecisionKind::Key, Some(kind), from, None, why);
            }
            (false, TrackKind::Text) => {
                self.report(error.recovered(Handling::Skipped));
                self.disable(kind);
            }
            (false, _) => self.fail(error),
        }
    }
}

/// What the failure of a key's request means for the title: an error of keys, with the cause in its facts.
fn key_error(error: Error) -> Error {
    if error.code().domain() == telecine_model::Domain::Drm
        || matches!(error.code(), ErrorCode::NotEntitled | ErrorCode::GeoBlocked)
    {
        return error;
    }
    let refused = error.facts().get("status").is_some_and(|status| matches!(status.as_str(), "401" | "402" | "403"));
    let code = if refused { ErrorCode::NotEntitled } else { ErrorCode::KeyUnavailable };
    let message = format!("the key file cannot be had: {}", error.message());
    let new = Error::new(code, message).fact("cause", error.code().name());
    error.facts().iter().fold(new, |new, (name, value)| new.fact(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(method: KeyMethod, uri: &str, format: &str) -> Key {
        Key {
            method,
            uri: Some(uri.to_owned()),
            iv: None,
            key_format: format.to_owned(),
            key_format_versions: "1".to_owned(),
        }
    }

    #[test]
    fn the_key_file_is_relative_to_the_playlist() {
        let keys = [key(KeyMethod::Aes128, "../k.bin?t=1", "identity")];
        let cover = Cover::of(&keys, "https://a.example/x/y/v.m3u8").expect("known");
        assert_eq!(cover.lock().map(|lock| &*lock.file), Some("https://a.example/x/k.bin?t=1"));
    }

    #[test]
    fn of_several_formats_the_one_with_a_key_file_is_taken() {
        let keys = [
            key(KeyMethod::Aes128, "skd://x", "com.apple.streamingkeydelivery"),
            key(KeyMethod::Aes128, "k", "identity"),
        ];
        assert!(Cover::of(&keys, "https://a.example/v.m3u8").expect("known").lock().is_some());
        let error = Cover::of(&keys[..1], "https://a.example/v.m3u8").expect_err("no key file");
        assert_eq!(error.code(), ErrorCode::KeySystemUnavailable);
    }

    #[test]
    fn nothing_is_decrypted_under_an_unknown_method() {
        let keys = [key(KeyMethod::Other("ROT-13".to_owned()), "k", "identity")];
        assert_eq!(Cover::of(&keys, "https://a.example/").map_err(|e| e.code()), Err(ErrorCode::KeyUnavailable));
    }

    #[test]
    fn the_oldest_key_files_go_first() {
        let mut files = KeyFiles::default();
        for number in 0..KEPT + 3 {
            files.put(number.to_string().into(), KeyFile::Here(None));
        }
        assert!(!files.is_known("2") && files.is_known("3") && files.files.len() == KEPT);
    }
}
