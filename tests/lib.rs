//! Whole-system scenarios (`scenarios/`), transfers through a proxy that injects faults (`faults/`), third-party clients against the lab (`clients/`), and large
//! transfers (`large-transfer`). The only code here is what the tests of several crates share.

pub mod buckets;
