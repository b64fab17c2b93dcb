//! The data every simulated API serves: deterministic, generated on the fly; only what was written is stored.
//!
//! A value is a pure function of seed, entity set, row number and column, so a set of ten million
//! rows costs nothing until a row is asked for. Nothing here knows HTTP or a wire format.

pub(crate) mod changes;
pub(crate) mod civil;
pub(crate) mod decimal;
pub(crate) mod sales;
pub(crate) mod schema;
pub(crate) mod value;
pub(crate) mod words;

/// Rows of the generated entity sets of one division.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Decides every value.
    pub(crate) seed: u64,
    /// Number of rows per entity set, in the order of [`sales::SETS`].
    pub(crate) sizes: Vec<u64>,
}

impl Source {
    /// Uniform 64 bits for one cell: the same arguments give the same bits for ever.
    pub(crate) fn bits(&self, set: u64, row: u64, col: usize) -> u64 {
        let a = mix(self.seed ^ set.wrapping_mul(0xA076_1D64_78BD_642F));
        let b = mix(a ^ row.wrapping_mul(0xE703_7ED1_A0B4_28DB));
        mix(b ^ (col as u64).wrapping_mul(0x8EBC_6AF0_9C88_C6E3))
    }
}

/// The finaliser of SplitMix64: spreads every input bit over the output.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
