//! What the estimator makes of transfers that come as their source makes them: chunked segments and
//! parts at the live edge, over connections that start slowly on a link whose rate is known.

#[cfg(test)]
mod estimates;
#[cfg(test)]
mod link;
