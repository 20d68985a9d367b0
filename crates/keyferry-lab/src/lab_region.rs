//! One region of a running lab, as programs see it.

/// One region of a running lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabRegion {
    name: String,
    port: u16,
    endpoint_url: String,
}

impl LabRegion {
    pub(crate) fn new(name: &str, port: u16) -> Self {
        Self {
            name: name.to_owned(),
            port,
            endpoint_url: format!("https://127.0.0.1:{port}"),
        }
    }

    /// Its name, such as `ap-northeast-1`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `https://127.0.0.1:PORT`. Plain http is answered on the same port, as S3 answers it.
    #[must_use]
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}
