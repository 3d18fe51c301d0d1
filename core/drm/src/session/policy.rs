//! What the application may set about key sessions.

use std::time::Duration;

/// How patient and how careful key sessions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Tries of one request, the first one included. Default 4.
    pub attempts: u32,
    /// Requests of a title that may be made again, in all; every success gives one back. Default 20.
    pub retry_budget: u32,
    /// Pause before the second try; it doubles with every further one. Half of it is drawn. Default 500 ms.
    pub first_pause: Duration,
    /// Longest pause. Default 8 s.
    pub longest_pause: Duration,
    /// Longest pause that a server may ask for. Default 30 s.
    pub patience: Duration,
    /// When a request is given up. Default 20 s.
    pub request_timeout: Duration,
    /// When a key system is given up that does not react to a command. Default 15 s.
    pub cdm_timeout: Duration,
    /// Sessions that are open at a time if the device does not say how many it can have. Default 16.
    pub max_sessions: usize,
    /// How long a session that is needed now waits for room. Default 10 s.
    pub room_patience: Duration,
    /// How long before a licence expires it is made new; at most half of its time. Default 60 s.
    pub renew_ahead: Duration,
    /// Licences that are needed later are fetched at a time drawn from this span, so that not all players
    /// ask at once. Default 30 s.
    pub prefetch_spread: Duration,
    /// How often a session that the device lost is opened again. Default 3.
    pub reopenings: u32,
    /// How often a key system that broke is opened again. Default 1.
    pub restarts: u32,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            retry_budget: 20,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(8),
            patience: Duration::from_secs(30),
            request_timeout: Duration::from_secs(20),
            cdm_timeout: Duration::from_secs(15),
            max_sessions: 16,
            room_patience: Duration::from_secs(10),
            renew_ahead: Duration::from_secs(60),
            prefetch_spread: Duration::from_secs(30),
            reopenings: 3,
            restarts: 1,
        }
    }
}
