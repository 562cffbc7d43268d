//! Puts the substrates of a plan together.

use chemr_chem::{Assembly, FragmentKind, Mol};

use super::super::fragment::{Fragment, draw_kind};
use super::super::reaction::{Drawn, core, largest, least};
use super::plan::{Distractor, Plan, Side};
use super::rules::{Arm, Conditions, Group, Rule, Stereo, mirror, rules};
use crate::rng::Rng;

/// Smallest inner fragment of an arm, so that it differs from the methyl group beside it.
const LEAST_INNER: usize = 2;

/// A reaction put together, with what stands beside the reacting groups.
pub(in crate::gym) struct Substrates {
    pub drawn: Drawn,
    pub conditions: &'static Conditions,
    pub distractors: Vec<(&'static Group, &'static Rule)>,
    stereo: Option<&'static Stereo>,
    /// Whether a stereocentre stands in a fragment.
    arm: bool,
}

/// One fragment with its text.
struct Part {
    kind: FragmentKind,
    fragment: Fragment,
    /// Heavy atoms of the fragment before groups were bound to it.
    skeleton: usize,
    arm: Option<(&'static Arm, bool)>,
}

impl Part {
    fn draw(rng: &mut Rng, kinds: &[FragmentKind], room: usize, with_arm: bool) -> Option<Part> {
        let kind = if kinds.is_empty() { FragmentKind::Hydrogen } else { draw_kind(rng, kinds, room)? };
        let arm = rng.pick(rules().arms()).filter(|_| with_arm && kind == FragmentKind::Primary);
        let (inner, room) = match arm {
            Some(arm) => {
                let room = room.checked_sub(core(&arm.right))?;
                (draw_kind(rng, &arm.inner, room)?, room)
            }
            None => (kind, room),
        };
        let fragment = Fragment::plain(rng, inner, room)?;
        let skeleton = fragment.heavy_atoms();
        if arm.is_some() && skeleton < LEAST_INNER {
            return None;
        }
        let arm = arm.map(|arm| (arm, rng.chance(1, 2)));
        Some(Part { kind, fragment, skeleton, arm })
    }

    /// Heavy atoms before groups were bound to it, with those of the arm.
    fn size(&self) -> usize {
        self.skeleton + self.arm.map_or(0, |(arm, _)| core(&arm.right))
    }

    fn text(&self, rng: &mut Rng, level: u8, side: Side) -> String {
        let inner = match side {
            Side::Left => self.fragment.left(rng, level),
            Side::Right => self.fragment.right(rng, level),
        };
        let Some((arm, mirrored)) = self.arm else { return inner };
        let text = match side {
            Side::Left => arm.left.replace("{L}", &inner),
            Side::Right => arm.right.replace("{R}", &inner),
        };
        if mirrored { mirror(&text) } else { text }
    }
}

impl Substrates {
    pub fn draw(rng: &mut Rng, plan: &Plan, level: u8) -> Option<Substrates> {
        let assembly: &'static Assembly = match plan.mirrored {
            Some(mirrored) if rng.chance(1, 2) => mirrored,
            _ => plan.assembly,
        };
        let room = largest(level).checked_sub(core(&assembly.product))?;
        // The side of the distractor gets what is left over, so that there is a carbon to bind it to.
        let first = plan.distractor.side;
        let (near, far) = match first {
            Side::Left => (&assembly.left, &assembly.right),
            Side::Right => (&assembly.right, &assembly.left),
        };
        let with_arm = level >= 5 && rng.chance(1, 3);
        let spare = room.checked_sub(least(near) + least(far))?;
        let for_near = least(near) + spare - rng.below(spare / 2 + 1);
        let near = Part::draw(rng, near, for_near, with_arm)?;
        let far = Part::draw(rng, far, room.checked_sub(near.size())?, with_arm && near.arm.is_none())?;
        let (mut left, mut right) = match first {
            Side::Left => (near, far),
            Side::Right => (far, near),
        };
        let mut distractors = Vec::new();
        let mut bind = |rng: &mut Rng, distractor: Distractor| {
            let part = match distractor.side {
                Side::Left => &mut left,
                Side::Right => &mut right,
            };
            let (chain, ring) = distractor.group.pieces();
            let bound = part.fragment.bind(rng, chain.as_ref(), ring.as_ref(), part.skeleton);
            if bound {
                distractors.push((distractor.group, distractor.rule));
            }
            bound
        };
        if !bind(rng, plan.distractor) {
            return None;
        }
        if level >= 5 && !plan.others.is_empty() && (plan.stereo.is_none() || rng.chance(1, 3)) {
            // A second one, on the same carbons or on the other side; another group, so that no rule has to tell equals apart.
            let second = rng.pick(&plan.others).filter(|other| other.group.id != plan.distractor.group.id);
            if !second.is_some_and(|second| bind(rng, *second)) {
                return None;
            }
        }
        let kinds = (left.kind, right.kind);
        let arm = left.arm.is_some() || right.arm.is_some();
        let (left, right) = (left.text(rng, level, Side::Left), right.text(rng, level, Side::Right));
        let (reactants, product) = assembly.splice(&left, &right);
        // `C()` is no SMILES: a hydrogen in a branch of its own.
        let sound = reactants.iter().chain([&product]).all(|text| !text.contains("()"));
        let drawn = Drawn { reaction: plan.reaction, assembly, kinds, left, right, reactants, product };
        sound.then_some(Substrates { drawn, conditions: plan.conditions, distractors, stereo: plan.stereo, arm })
    }

    /// Whether no reactant has a group together with what its rule makes an exception of.
    pub fn rules_hold(&self, reactants: &[Mol]) -> bool {
        !self.distractors.iter().any(|(group, rule)| reactants.iter().any(|mol| rule.excepts(group, mol)))
    }

    /// Solvents, bases and catalysts for the question of level 5, one or two.
    pub fn spectators(&self, rng: &mut Rng, level: u8) -> Vec<&'static str> {
        if level < 5 {
            return Vec::new();
        }
        let mut all: Vec<&str> = self.conditions.spectators.iter().map(String::as_str).collect();
        rng.shuffle(&mut all);
        all.truncate(rng.range(1, 2));
        all
    }

    /// What the question holds beside the reaction, and why it survives.
    pub fn meta(&self) -> Vec<(&'static str, String)> {
        type Pair = (&'static Group, &'static Rule);
        let joined = |text: fn(&Pair) -> &'static str, mark: &str| {
            self.distractors.iter().map(text).collect::<Vec<_>>().join(mark)
        };
        let mut why = joined(|(_, rule)| rule.why.as_str(), "; ");
        if let Some(stereo) = self.stereo {
            why = format!("{why}; {}", stereo.why);
        }
        vec![
            ("conditions", self.conditions.name.clone()),
            ("distractors", joined(|(group, _)| group.id.as_str(), ";")),
            ("distractor_names", joined(|(group, _)| group.name.as_str(), ";")),
            ("distractor_kinds", joined(|(group, _)| group.kind.as_str(), ";")),
            ("rules", joined(|(_, rule)| rule.id.as_str(), ";")),
            ("why", why),
            ("stereo_rule", self.stereo.map_or(String::new(), |stereo| stereo.id.clone())),
            ("stereo", self.stereo.map_or("none", |stereo| stereo.outcome.as_str()).to_string()),
            ("spectator_centre", if self.arm { "yes" } else { "no" }.to_string()),
        ]
    }
}
