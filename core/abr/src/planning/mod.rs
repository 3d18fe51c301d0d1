//! Rules that plan some seconds ahead at a rate that they do not take for certain.
//!
//! Both are after published ones and differ from them, which is why they are not in [`published`](crate::published): [`Soda`]
//! has only its form from a paper, and [`QuantileMpc`] another prediction than RobustMPC. Like those they are
//! [`SceneRule`](crate::published::SceneRule)s, so that the simulator's faithful mode runs them beside the others and
//! [`Playable`](crate::published::Playable) plays by them. In the player they believe what the estimator forecasts; where no
//! estimator is, what they keep of the same walk themselves.

mod beliefs;
mod quantile_mpc;
mod soda;

pub use quantile_mpc::QuantileMpc;
pub use soda::Soda;
