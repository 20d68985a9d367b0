//! What goes wrong, and how often.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Something that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection is reset when the head has come.
    ResetAtOnce,
    /// The connection is reset within the request's body.
    ResetInRequest,
    /// The request's body is not read any further for a while; then the connection is reset.
    StallRequest,
    /// A bit of the request's body arrives flipped.
    FlipInRequest,
    /// The server gets the request twice.
    RepeatRequest,
    /// The server refuses the request, whatever it was.
    Refuse(u16, &'static str),
    /// The server does what was asked, and the answer is lost.
    LoseAnswer,
    /// The server does what was asked, and says that it failed.
    DenySuccess,
    /// The answer's body ends early, with the connection.
    TruncateAnswer,
    /// The answer's body stalls for a while, then the connection is reset.
    StallAnswer,
    /// A bit of the answer's body arrives flipped.
    FlipInAnswer,
    /// The answer promises more bytes than it has.
    PromiseMore,
    /// The answer promises fewer bytes than it has.
    PromiseLess,
    /// The answer comes twice.
    RepeatAnswer,
    /// The answer is that to another request of the same transfer.
    SwapAnswers,
    /// The answer does not say that the customer key was used.
    StripConfirmation,
    /// The answer says that another key was used.
    ConfirmOtherKey,
    /// The answer is late.
    Delay,
}

impl Fault {
    /// All of them, with how often each is drawn among a hundred or so.
    const WEIGHTS: [(Self, u32); 24] = [
        (Self::ResetAtOnce, 8),
        (Self::ResetInRequest, 8),
        (Self::StallRequest, 2),
        (Self::FlipInRequest, 6),
        (Self::RepeatRequest, 4),
        (Self::Refuse(500, "InternalError"), 8),
        (Self::Refuse(503, "SlowDown"), 8),
        (Self::Refuse(503, "ServiceUnavailable"), 4),
        (Self::Refuse(502, "BadGateway"), 2),
        (Self::Refuse(400, "RequestTimeout"), 4),
        (Self::Refuse(400, "ExpiredToken"), 1),
        (Self::Refuse(403, "RequestTimeTooSkewed"), 1),
        (Self::Refuse(403, "AccessDenied"), 1),
        (Self::LoseAnswer, 8),
        (Self::DenySuccess, 6),
        (Self::TruncateAnswer, 8),
        (Self::StallAnswer, 2),
        (Self::FlipInAnswer, 6),
        (Self::PromiseMore, 3),
        (Self::PromiseLess, 3),
        (Self::RepeatAnswer, 4),
        (Self::SwapAnswers, 6),
        (Self::StripConfirmation, 2),
        (Self::ConfirmOtherKey, 2),
    ];

    fn draw(random: &mut StdRng) -> Self {
        let all: u32 = Self::WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut at = random.random_range(0..all);
        for (fault, weight) in Self::WEIGHTS {
            match at.checked_sub(weight) {
                Some(left) => at = left,
                None => return fault,
            }
        }
        Self::Delay
    }
}

/// What goes wrong with the requests of one transfer.
#[derive(Debug)]
pub(crate) struct Faults {
    random: StdRng,
    /// How many requests of a hundred are struck.
    percent: u32,
    /// Faults that were injected, in order.
    pub(crate) injected: Vec<(String, Fault)>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let percent = [3, 15, 40, 80, 100][random.random_range(0..5)];
        Self {
            random,
            percent,
            injected: Vec::new(),
        }
    }

    /// What goes wrong with this request, if anything.
    pub(crate) fn next(&mut self, request: &str) -> Option<Fault> {
        if self.random.random_range(0..100) >= self.percent {
            return None;
        }
        let fault = match self.random.random_range(0..8) {
            0 => Fault::Delay,
            _ => Fault::draw(&mut self.random),
        };
        self.injected.push((request.to_owned(), fault));
        Some(fault)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound.max(1))
    }

    pub(crate) fn delay(&mut self) -> Duration {
        Duration::from_millis(self.random.random_range(1..150))
    }

    /// Most stalls end, some last longer than patience should.
    pub(crate) fn stall(&mut self) -> Duration {
        match self.random.random_range(0..10) {
            0 => Duration::from_secs(120),
            _ => Duration::from_millis(self.random.random_range(200..2500)),
        }
    }
}
