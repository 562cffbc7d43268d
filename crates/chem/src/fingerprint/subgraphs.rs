//! How many branched paths a molecule has, before a fingerprint walks all of them.

/// Bonds of the longest path that the RDK fingerprint looks at.
const LONGEST: usize = 7;

/// An atom with more bonds alone has more than 6e8 sub-structures of seven of them.
const MOST_BONDS: usize = 64;

/// An upper estimate of the connected sub-structures of 1 to 7 bonds: exact for molecules without rings, counted along the
/// unrolled molecule for others; infinite with an atom of more than 64 bonds. Cost: the sum of squared numbers of bonds, times 200 steps.
///
/// A sub-structure is a tree from any of its atoms; with `f(a, b)` the trees from `a` that do not go to `b`, as a polynomial in the
/// number of bonds, `f(a, b)` is the product of `1 + x f(c, a)` over all other neighbours `c` of `a`.
pub(crate) fn estimate(atoms: usize, bonds: &[(usize, usize)]) -> f64 {
    type Count = [f64; LONGEST + 1];
    // Ways out of each atom: the neighbour, and the number of the way back.
    let mut ways: Vec<Vec<(usize, usize)>> = vec![Vec::new(); atoms];
    for (number, &(a, b)) in bonds.iter().enumerate() {
        ways[a].push((b, 2 * number + 1));
        ways[b].push((a, 2 * number));
    }
    if ways.iter().any(|ways| ways.len() > MOST_BONDS) {
        return f64::INFINITY;
    }
    let mut one: Count = [0.0; LONGEST + 1];
    one[0] = 1.0;
    // By way: trees from the atom it leads from that do not take it. The way `2 n` leads from the first atom of bond `n`.
    let mut from: Vec<Count> = vec![one; 2 * bonds.len()];
    let product = |from: &[Count], atom: usize, except: Option<usize>| {
        let mut total = one;
        for (_, back) in ways[atom].iter().filter(|(_, back)| Some(*back) != except) {
            let branch = &from[*back];
            // Times `1 + x branch`, highest power first, so that it can be done in place.
            for power in (1..=LONGEST).rev() {
                total[power] += (0..power).map(|low| total[low] * branch[power - 1 - low]).sum::<f64>();
            }
        }
        total
    };
    for _ in 0..LONGEST {
        let next: Vec<Count> = (0..from.len())
            .map(|way| {
                let (first, second) = bonds[way / 2];
                let atom = if way % 2 == 0 { first } else { second };
                product(&from, atom, Some(way ^ 1))
            })
            .collect();
        from = next;
    }
    // Every sub-structure was counted from each of its atoms.
    (0..atoms)
        .map(|atom| {
            let total = product(&from, atom, None);
            (1..=LONGEST).map(|bonds| total[bonds] / (bonds + 1) as f64).sum::<f64>()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_counted_exactly() {
        let chain: Vec<(usize, usize)> = (0..9).map(|atom| (atom, atom + 1)).collect();
        // A chain of 9 bonds has 9 + 8 + ... + 3 paths of 1 to 7 bonds.
        assert_eq!(estimate(10, &chain), 42.0);
        let star: Vec<(usize, usize)> = (1..=10).map(|atom| (0, atom)).collect();
        // All choices of 1 to 7 of 10 arms: 2^10 - 1 - 45 - 10 - 1.
        assert!((estimate(11, &star) - 967.0).abs() < 1e-6);
        assert_eq!(estimate(1, &[]), 0.0);
        // A ring of three unrolls to a chain without end: three paths of each length, where the ring has 3 + 3 + 1.
        assert_eq!(estimate(3, &[(0, 1), (1, 2), (2, 0)]), 21.0);
        let hub: Vec<(usize, usize)> = (1..=65).map(|atom| (0, atom)).collect();
        assert_eq!(estimate(66, &hub), f64::INFINITY);
    }
}
