//! Whole-system scenarios (`scenarios/`), transfers through a proxy that injects faults (`faults/`), third-party clients against the lab (`clients/`), and large
//! transfers (`large-transfer`). There is no code here, only tests.
