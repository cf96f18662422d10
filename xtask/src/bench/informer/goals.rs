//! The rows of the table, and what each is to reach.

use super::{COUNTED, OURS, PRUNED};

/// One thing that is measured.
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) figure: &'static str,
    pub(super) digits: usize,
    /// Which of our programs says it; the peers are beside the first one alone.
    pub(super) of: &'static str,
    pub(super) goal: Goal,
}

/// What is to be reached.
pub(super) enum Goal {
    /// With ten thousand pods.
    AtMost(f64),
    /// With ten thousand pods.
    AtLeast(f64),
    /// What the better of client-go's two needs.
    AsClientGo,
    /// So often what a lookup by name takes.
    Lookups(f64),
    None,
}

const TEN_THOUSAND: f64 = 10_000.0;

impl Goal {
    pub(super) fn said(&self, pods: f64) -> String {
        match self {
            Goal::AtMost(most) if pods == TEN_THOUSAND => format!("<= {most}"),
            Goal::AtLeast(least) if pods == TEN_THOUSAND => format!(">= {least}"),
            Goal::AsClientGo => "<= client-go".to_owned(),
            Goal::Lookups(times) => format!("<= {times} lookups"),
            _ => String::new(),
        }
    }

    /// Yes, no, or nothing where there is nothing to reach or to compare with.
    pub(super) fn reached(&self, ours: f64, client_go: f64, lookup: f64, pods: f64) -> &'static str {
        let within = |most: f64| match ours <= most {
            _ if ours.is_nan() || most.is_nan() => "",
            true => "yes",
            false => "no",
        };
        match self {
            Goal::AtMost(most) if pods == TEN_THOUSAND => within(*most),
            Goal::AtLeast(least) if pods == TEN_THOUSAND && !ours.is_nan() => {
                if ours >= *least {
                    "yes"
                } else {
                    "no"
                }
            }
            Goal::AsClientGo => within(client_go),
            Goal::Lookups(times) => within(times * lookup),
            _ => "",
        }
    }
}

const fn row(what: &'static str, figure: &'static str, digits: usize, goal: Goal) -> Row {
    Row { what, figure, digits, of: OURS, goal }
}

pub(super) const ROWS: [Row; 17] = [
    row("sync, ms", "sync_wall_ms", 0, Goal::AtMost(400.0)),
    row("CPU us a pod in the store", "sync_cpu_us", 1, Goal::AtMost(35.0)),
    row("events/s", "events_per_second", 0, Goal::AtLeast(25_000.0)),
    row("CPU us an event", "event_cpu_us", 1, Goal::AtMost(35.0)),
    row("peak MiB, synced", "sync_peak_mib", 0, Goal::AtMost(130.0)),
    row("peak MiB, after the events", "after_peak_mib", 0, Goal::AtMost(150.0)),
    Row { of: PRUNED, ..row("the same without managedFields", "after_peak_mib", 0, Goal::AtMost(80.0)) },
    row("lookup by name, ns", "get_ns", 0, Goal::AsClientGo),
    row("lookup by name, owned, ns", "get_owned_ns", 0, Goal::None),
    row("lookup while events come, CPU ns", "writer_get_ns", 0, Goal::AsClientGo),
    row("owned, while events come, CPU ns", "writer_get_owned_ns", 0, Goal::None),
    row("lookup of one by an index, ns", "index_ns", 0, Goal::Lookups(2.0)),
    Row { of: COUNTED, ..row("allocations of that", "index_allocations", 0, Goal::AtMost(0.0)) },
    row("visit all names, us", "visit_us", 0, Goal::AtMost(250.0)),
    row("visit while events come, CPU us", "writer_visit_us", 0, Goal::None),
    row("a consistent state of all, ns", "snapshot_ns", 0, Goal::None),
    row("resident MiB, after the events", "after_rss_mib", 0, Goal::None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_reached_or_not_or_not_known() {
        let reached = |goal: Goal, ours| goal.reached(ours, 20.0, 30.0, TEN_THOUSAND);
        assert_eq!(reached(Goal::AtMost(5.0), 5.0), "yes");
        assert_eq!(reached(Goal::AtLeast(5.0), 4.0), "no");
        assert_eq!(reached(Goal::AsClientGo, 21.0), "no");
        assert_eq!(reached(Goal::Lookups(2.0), 60.0), "yes");
        assert_eq!(reached(Goal::AtMost(5.0), f64::NAN), "");
        assert_eq!(Goal::AsClientGo.reached(1.0, f64::NAN, 30.0, TEN_THOUSAND), "");
        assert_eq!(Goal::AtMost(5.0).reached(9.0, 20.0, 30.0, 100_000.0), "");
    }
}
