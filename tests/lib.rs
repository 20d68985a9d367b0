//! Whole-system scenarios (`scenarios/`), third-party clients against the lab (`clients/`), and large
//! transfers (`large-transfer`). There is no code here, only tests.
