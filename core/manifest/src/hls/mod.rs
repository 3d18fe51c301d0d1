//! HLS playlists (draft-pantos-hls-rfc8216bis-22, protocol versions 1 to 13).
