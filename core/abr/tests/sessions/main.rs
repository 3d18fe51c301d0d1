//! Rules in whole sessions, in virtual time: an hour of playback takes milliseconds.

#[cfg(test)]
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod sim;
