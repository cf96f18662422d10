//! The connections of each lane.
//!
//! reqwest keeps one HTTP/2 connection in a client, and lets calls wait without end when the server allows no more streams on
//! it. So a lane has as many clients as its calls need.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use k8s_api::transport::Lane;

use super::connections::{AllCounters, Counters, PerLane};
use super::recipe::Recipe;
use super::slot::{Limit, Slot, Ticket};
use crate::error::Result;
use crate::outside::Outside;

/// What is known of the server.
const UNKNOWN: u8 = 0;
const HTTP_1: u8 = 1;
const HTTP_2: u8 = 2;

/// All lanes to one server, each with connections of its own.
pub(super) struct Lanes {
    recipe: Recipe,
    speaks: AtomicU8,
    lanes: PerLane<OneLane>,
}

struct OneLane {
    counters: Arc<Counters>,
    http_1: OnceLock<Arc<Slot>>,
    http_2: Mutex<Vec<Arc<Slot>>>,
    /// Of each of those.
    limit: Arc<Limit>,
}

impl Lanes {
    pub(super) fn new(recipe: Recipe, counters: &AllCounters) -> Result<Lanes> {
        let lanes = counters.0.map(|counters| OneLane {
            counters: counters.clone(),
            http_1: OnceLock::new(),
            http_2: Mutex::default(),
            limit: Arc::new(Limit::new()),
        });
        // Plain servers speak HTTP/1.1.
        let speaks = AtomicU8::new(if recipe.tls.is_some() { UNKNOWN } else { HTTP_1 });
        let lanes = Lanes { recipe, speaks, lanes };
        // What can't be set up is found out now.
        lanes.slot(Lane::Read, lanes.is_unsure())?;
        Ok(lanes)
    }

    /// Whether it is still to be found out what the server speaks.
    pub(super) fn is_unsure(&self) -> bool {
        self.speaks.load(Ordering::Relaxed) == UNKNOWN
    }

    pub(super) fn speaks(&self, http_2: bool) {
        self.speaks.store(if http_2 { HTTP_2 } else { HTTP_1 }, Ordering::Relaxed);
    }

    /// A place on a connection of a lane.
    pub(super) fn enter(&self, lane: Lane, outside: &Arc<dyn Outside>) -> Result<Ticket> {
        let it = self.lanes.of(lane);
        if lane == Lane::Upgrade || self.speaks.load(Ordering::Relaxed) == HTTP_1 {
            let slot = match it.http_1.get() {
                Some(slot) => slot,
                None => {
                    let slot = self.slot(lane, false)?;
                    it.http_1.get_or_init(|| slot)
                }
            };
            return Ok(slot.enter(lane, outside));
        }
        let mut slots = it.http_2.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.iter().find(|slot| slot.has_room()) {
            return Ok(slot.enter(lane, outside));
        }
        let slot = self.slot(lane, true)?;
        slots.push(slot.clone());
        Ok(slot.enter(lane, outside))
    }

    fn slot(&self, lane: Lane, http_2: bool) -> Result<Arc<Slot>> {
        let OneLane { counters, limit, .. } = self.lanes.of(lane);
        let limit = http_2.then(|| limit.clone());
        self.recipe.slot(lane, limit, counters.clone()).map(Arc::new)
    }
}
