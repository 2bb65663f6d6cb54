//! What the peers come to on every trace and lead, played once and kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flexus_autoscaler::replay::{Arena, Contestant, contest};
use serde::{Deserialize, Serialize};

/// A peer with a knob.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Peer {
    name: String,
    engine: String,
    in_slo: f64,
    /// J at every price.
    scores: Vec<(f64, f64)>,
}

/// A peer with the knob that is best in hindsight.
pub(super) struct BestPeer {
    pub(super) name: String,
    /// J at the price.
    pub(super) score: f64,
    pub(super) in_slo: f64,
}

/// All peers by trace, minutes and lead.
pub(super) struct BestPeers {
    file: Option<PathBuf>,
    /// Engines that count; empty for all.
    engines: Vec<String>,
    known: Mutex<BTreeMap<String, Vec<Peer>>>,
}

impl BestPeers {
    /// What is kept in `file`, if there is such a file yet.
    pub(super) fn open(file: Option<&Path>, engines: Vec<String>) -> Result<Self, String> {
        let known = match file.filter(|file| file.exists()) {
            Some(file) => {
                std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display())).and_then(
                    |text| serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display())),
                )?
            }
            None => BTreeMap::new(),
        };
        Ok(Self { file: file.map(Path::to_owned), engines, known: Mutex::new(known) })
    }

    /// The best peer at `price`. All are played when they aren't known yet.
    pub(super) fn best(&self, arena: &Arena<'_>, price: f64) -> Option<BestPeer> {
        let (trace, settings) = (arena.trace(), arena.settings());
        let key = format!("{}, {} minutes, {} s", trace.name, trace.minutes(), settings.lead_seconds);
        if let Some(peers) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
            && let Some(best) = self.best_of(peers, price)
        {
            return Some(best);
        }
        let played = contest(arena, &Contestant::all(&[])).policies.into_iter().filter(|row| !row.is_ours());
        let peers: Vec<Peer> = played
            .map(|row| Peer { name: row.name, engine: row.engine, in_slo: row.in_slo, scores: row.j.0 })
            .collect();
        let best = self.best_of(&peers, price);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, peers);
        if let Some(file) = &self.file
            && let Err(error) = std::fs::write(file, serde_json::to_vec(&*known).unwrap_or_default())
        {
            eprintln!("cannot write {}: {error}", file.display());
        }
        best
    }

    fn best_of(&self, peers: &[Peer], price: f64) -> Option<BestPeer> {
        peers
            .iter()
            .filter(|peer| self.engines.is_empty() || self.engines.contains(&peer.engine))
            .filter_map(|peer| {
                let score = peer.scores.iter().find(|(known, _)| *known == price)?.1;
                Some(BestPeer { name: peer.name.clone(), score, in_slo: peer.in_slo })
            })
            .min_by(|a, b| a.score.total_cmp(&b.score))
    }
}
