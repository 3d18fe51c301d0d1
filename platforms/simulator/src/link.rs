//! A link that carries one request at a time.

/// Bandwidth and latency for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// How long, in milliseconds.
    pub ms: f64,
    /// Rate in kbit/s: bits a millisecond. Zero is an outage.
    pub kbps: f64,
    /// From a request to its first bit, in milliseconds.
    pub latency_ms: f64,
}

impl Period {
    /// How many ways of a request could be gone in it; no more than one is ever asked for.
    fn ways(&self) -> f64 {
        if self.ms < self.latency_ms {
            self.ms / self.latency_ms
        } else {
            1.0
        }
    }
}

/// Periods one after the other, from the beginning again after the last (abr.md 8.2).
///
/// What is asked of it, when so many bits will be there, takes a search in running totals and not a walk
/// through the periods. The totals are exact for periods of whole milliseconds and kbit/s, and every
/// reckoning begins at the period it is in, so that no error adds up however long a session is.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    periods: Vec<Period>,
    /// Time before each period, and before the first of the next cycle.
    starts: Vec<f64>,
    /// Bits that could arrive before each period, and before the first of the next cycle.
    totals: Vec<f64>,
    /// Ways of a request that could be gone before each period, and before the first of the next cycle. A period in which one
    /// could be gone to its end counts as one, however long it is.
    ways: Vec<f64>,
    /// The latency, where it is the same in all periods.
    latency_ms: Option<f64>,
}

/// Why periods are no link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unusable {
    /// There are none.
    Empty,
    /// None carries anything: nothing would ever arrive.
    Silent,
    /// They carry more, or last longer, than is reckoned exactly.
    Immense,
    /// A period has a number that no period can have.
    Period {
        /// Its index.
        index: usize,
        /// Which number.
        field: &'static str,
        /// What it is.
        value: f64,
    },
}

impl Link {
    /// Longest period, and greatest latency, in milliseconds: a year.
    pub const MOST_MS: f64 = 366.0 * 86_400_000.0;
    /// Highest rate in kbit/s: a terabit a second.
    pub const MOST_KBPS: f64 = 1e9;
    /// Greatest latency, in milliseconds: what a request waits at most before anyone gives up.
    pub const MOST_LATENCY_MS: f64 = 60_000.0;
    /// The shortest period that the player's network has.
    const FINE_MS: f64 = 1.0;
    /// Whole numbers up to here are exact.
    const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

    /// A link of so many periods.
    pub fn new(periods: Vec<Period>) -> Result<Self, Unusable> {
        for (index, period) in periods.iter().enumerate() {
            let unusable = |field, value| Err(Unusable::Period { index, field, value });
            if !(period.ms > 0.0 && period.ms <= Self::MOST_MS) {
                return unusable("duration", period.ms);
            }
            if !(period.kbps >= 0.0 && period.kbps <= Self::MOST_KBPS) {
                return unusable("bandwidth", period.kbps);
            }
            if !(period.latency_ms >= 0.0 && period.latency_ms <= Self::MOST_LATENCY_MS) {
                return unusable("latency", period.latency_ms);
            }
        }
        let first = periods.first().ok_or(Unusable::Empty)?;
        let latency = first.latency_ms;
        let latency_ms = periods.iter().all(|period| period.latency_ms == latency).then_some(latency);
        let running = |amount: &dyn Fn(&Period) -> f64| {
            let mut totals = Vec::with_capacity(periods.len() + 1);
            let mut total = 0.0;
            totals.push(total);
            totals.extend(periods.iter().map(|period| {
                total += amount(period);
                total
            }));
            totals
        };
        let starts = running(&|period| period.ms);
        let totals = running(&|period| period.ms * period.kbps);
        let ways = running(&Period::ways);
        let link = Self { starts, totals, ways, latency_ms, periods };
        if link.cycle_bits() <= 0.0 {
            return Err(Unusable::Silent);
        }
        if link.cycle_bits() > Self::MOST_EXACT || link.cycle_ms() > Self::MOST_EXACT {
            return Err(Unusable::Immense);
        }
        Ok(link)
    }

    /// The periods of a cycle.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// Duration of all periods.
    pub fn cycle_ms(&self) -> f64 {
        self.starts[self.periods.len()]
    }

    /// Bits that all periods carry.
    pub fn cycle_bits(&self) -> f64 {
        self.totals[self.periods.len()]
    }

    /// The least latency of any period.
    pub fn least_latency_ms(&self) -> f64 {
        self.periods.iter().map(|period| period.latency_ms).fold(f64::INFINITY, f64::min)
    }

    /// The same link in periods of a millisecond at least, in whole microseconds and bits a second: as fine as the player looks at
    /// it. What is shorter is joined to what comes behind it, at the rate of both.
    ///
    /// # Errors
    /// [`Unusable::Silent`] if nothing is left of what it carries.
    pub fn coarse(&self) -> Result<Self, Unusable> {
        let mut joined: Vec<Period> = Vec::new();
        let join = |one: Period, other: Period| {
            let ms = one.ms + other.ms;
            let mean = |of: fn(&Period) -> f64| (one.ms * of(&one) + other.ms * of(&other)) / ms;
            Period { ms, kbps: mean(|period| period.kbps), latency_ms: mean(|period| period.latency_ms) }
        };
        for period in &self.periods {
            match joined.last_mut().filter(|last| last.ms < Self::FINE_MS) {
                Some(last) => *last = join(*last, *period),
                None => joined.push(*period),
            }
        }
        // The last of a cycle has nothing behind it but the first of the next.
        if let Some(last) = joined.pop_if(|last| last.ms < Self::FINE_MS) {
            match joined.last_mut() {
                Some(before) => *before = join(*before, last),
                // All of it is shorter: it is gone through again and again.
                None => joined.push(Period { ms: last.ms * (Self::FINE_MS / last.ms).ceil(), ..last }),
            }
        }
        let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
        let round = |period: &Period| Period {
            ms: rounded(period.ms),
            kbps: rounded(period.kbps),
            latency_ms: rounded(period.latency_ms),
        };
        Self::new(joined.iter().map(round).collect())
    }

    /// The beginning of the first period.
    pub fn start(&self) -> Cursor<'_> {
        Cursor { link: self, cycle: 0.0, period: 0, into_ms: 0.0 }
    }
}

/// A moment on a link.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    link: &'a Link,
    /// Cycles that are over.
    cycle: f64,
    period: usize,
    /// Time since the period's start.
    into_ms: f64,
}

impl Cursor<'_> {
    /// Lets time pass.
    pub fn wait(&mut self, ms: f64) {
        let into_ms = self.into_ms + ms;
        if into_ms <= self.here().ms {
            self.into_ms = into_ms;
        } else {
            let there = self.beyond(&self.link.starts, into_ms);
            (self.cycle, self.period, self.into_ms) = (self.cycle + there.cycles, there.period, there.rest);
        }
    }

    /// Makes a request and waits for its first bit. Returns how long it takes.
    ///
    /// Where the latency changes on the way it counts in proportion: so long in a period of so much
    /// latency is that share of the way (abr.md 8.2).
    pub fn request(&mut self) -> f64 {
        if let Some(latency_ms) = self.link.latency_ms {
            self.wait(latency_ms);
            return latency_ms;
        }
        let here = *self.here();
        let left = here.ms - self.into_ms;
        if here.latency_ms <= left {
            self.into_ms += here.latency_ms;
            return here.latency_ms;
        }
        let there = self.beyond(&self.link.ways, here.ways() + 1.0 - left / here.latency_ms);
        let Period { ms, latency_ms, .. } = self.link.periods[there.period];
        self.enter(&there, (there.rest * latency_ms).min(ms))
    }

    /// Waits until so many more bits are there. Returns how long it takes.
    pub fn receive(&mut self, bits: f64) -> f64 {
        if bits <= 0.0 {
            return 0.0;
        }
        let here = self.here();
        let wanted = bits + self.into_ms * here.kbps;
        if wanted <= here.ms * here.kbps {
            let took = bits / here.kbps;
            self.into_ms += took;
            return took;
        }
        let there = self.beyond(&self.link.totals, wanted);
        let Period { ms, kbps, .. } = self.link.periods[there.period];
        self.enter(&there, (there.rest / kbps).min(ms))
    }

    /// Goes so far into the period of a place. Returns how long that takes.
    fn enter(&mut self, there: &Place, into_ms: f64) -> f64 {
        let starts = &self.link.starts;
        let passed = there.cycles * self.link.cycle_ms() + starts[there.period] - starts[self.period];
        let took = passed - self.into_ms + into_ms;
        (self.cycle, self.period, self.into_ms) = (self.cycle + there.cycles, there.period, into_ms);
        took
    }

    /// Bits that could arrive between an earlier moment and this one.
    pub fn bits_since(&self, earlier: &Self) -> f64 {
        let Link { totals, .. } = self.link;
        let whole =
            (self.cycle - earlier.cycle) * self.link.cycle_bits() + totals[self.period] - totals[earlier.period];
        let into = |moment: &Self| moment.into_ms * moment.here().kbps;
        whole + into(self) - into(earlier)
    }

    /// Milliseconds between an earlier moment and this one.
    pub fn ms_since(&self, earlier: &Self) -> f64 {
        let Link { starts, .. } = self.link;
        let whole = (self.cycle - earlier.cycle) * self.link.cycle_ms() + starts[self.period] - starts[earlier.period];
        whole + self.into_ms - earlier.into_ms
    }

    fn here(&self) -> &Period {
        &self.link.periods[self.period]
    }

    /// Where the running totals pass an amount that is counted from the start of the present period and
    /// lies behind that period's end.
    fn beyond(&self, totals: &[f64], amount: f64) -> Place {
        let last = totals.len() - 1;
        let cycle = totals[last];
        let in_cycle = totals[self.period] + amount;
        let (cycles, from) = if in_cycle <= cycle { (0.0, self.period) } else { ((in_cycle / cycle).ceil() - 1.0, 0) };
        let passed = cycles * cycle - totals[self.period];
        let period = passing(totals, from, amount - passed).min(last - 1);
        Place { cycles, period, rest: (amount - (passed + totals[period])).max(0.0) }
    }
}

/// Where an amount is reached.
struct Place {
    /// Cycles that end before it.
    cycles: f64,
    period: usize,
    /// What of the amount falls into the period.
    rest: f64,
}

/// The period, from one on, at whose end a running total is an amount or more. It is near as a rule, so
/// the search begins with small steps and doubles them.
fn passing(totals: &[f64], from: usize, amount: f64) -> usize {
    let (mut low, mut step) = (from, 1);
    while low + step < totals.len() && totals[low + step] < amount {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(totals.len());
    low + totals[low + 1..high].partition_point(|total| *total < amount)
}
