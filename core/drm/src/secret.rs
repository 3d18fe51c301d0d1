//! Bytes that nobody may see: licences, challenges, tokens, keys.

use std::fmt;
use std::sync::Arc;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that are wiped when the last owner drops them, and of which only the length is ever shown.
///
/// There is no way to serialise them: a recording of a session holds sizes and outcomes. A clone is
/// another owner of the same bytes.
#[derive(Clone)]
pub struct SecretBytes(Arc<Wiped>);

struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl SecretBytes {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Wiped(bytes)))
    }

    /// The bytes, for a key system or the network.
    pub fn expose(&self) -> &[u8] {
        &self.0 .0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0 .0.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0 .0.is_empty()
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<String> for SecretBytes {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_length_of_a_secret_is_shown() {
        let secret = SecretBytes::from("Bearer abcdef".to_owned());
        assert_eq!(format!("{:?} {:?}", secret, secret.clone()), "SecretBytes(13 bytes) SecretBytes(13 bytes)");
        assert_eq!((secret.len(), secret.expose()), (13, &b"Bearer abcdef"[..]));
        assert!(SecretBytes::new(Vec::new()).is_empty());
    }
}
