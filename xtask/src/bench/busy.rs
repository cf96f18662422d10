//! What other processes had of the machine: a measurement beside them is worth less.

/// What the system has counted up to now, in its ticks; nothing where it does not tell.
pub(super) struct Moment {
    /// Of all processors.
    all: f64,
    idle: f64,
    /// Of programs that this one has started, and that have ended.
    ours: f64,
}

impl Moment {
    pub(super) fn now() -> Moment {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        Moment::of(&read("/proc/stat"), &read("/proc/self/stat"))
    }

    fn of(machine: &str, process: &str) -> Moment {
        let numbers = |text: &str| -> Vec<f64> {
            text.split_whitespace().map(|word| word.parse().unwrap_or(0.0)).collect()
        };
        // user, nice, system, idle, waiting, interrupts, soft interrupts, stolen; guests are within user.
        let machine =
            numbers(machine.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default());
        // Behind the name, which may hold anything; the ended children's time is the 14th and 15th from there.
        let process = numbers(process.rsplit(')').next().unwrap_or_default());
        Moment {
            all: machine.iter().take(8).sum(),
            idle: machine.iter().skip(3).take(2).sum(),
            ours: process.iter().skip(13).take(2).sum(),
        }
    }

    /// The share of the machine that neither idled nor worked for us.
    pub(super) fn others_since(&self, before: &Moment) -> f64 {
        let all = self.all - before.all;
        let others = all - (self.idle - before.idle) - (self.ours - before.ours);
        others.max(0.0) / all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_ours_was_others() {
        let process = |own| format!("1 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 {own} 7 20 0");
        let before = Moment::of("cpu  10 0 10 100 0 0 0 0 0 0\n", &process(5));
        let after = Moment::of("cpu  60 0 10 150 0 0 0 0 0 0\n", &process(35));
        // Of 100 ticks 50 were idle and 30 ours.
        assert_eq!(after.others_since(&before), 0.2);
    }
}
