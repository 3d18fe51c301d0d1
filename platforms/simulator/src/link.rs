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
        let running = |amount: fn(&Period) -> f64| {
            let mut totals = Vec::with_capacity(periods.len() + 1);
            let mut total = 0.0;
            totals.push(total);
            totals.extend(periods.iter().map(|period| {
                total += amount(period);
                total
            }));
            totals
        };
        let starts = running(|period| period.ms);
        let totals = running(|period| period.ms * period.kbps);
        let link = Self { starts, totals, latency_ms, periods };
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
        let (mut waited, mut way) = (0.0, 1.0);
        loop {
            let here = self.here();
            let left = here.ms - self.into_ms;
            let ms = way * here.latency_ms;
            if ms <= left {
                self.into_ms += ms;
                return waited + ms;
            }
            way -= left / here.latency_ms;
            waited += left;
            self.into_ms = 0.0;
            self.period += 1;
            if self.period == self.link.periods.len() {
                self.period = 0;
                self.cycle += 1.0;
            }
        }
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
        let into_ms = (there.rest / kbps).min(ms);
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
