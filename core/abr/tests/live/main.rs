//! Following a live edge, in virtual time.

#[cfg(test)]
mod edge;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod law;
#[cfg(test)]
mod target;
