use super::*;
use aws_credential_types::Credentials;
use std::io::Write;

fn settings(endpoints: &str) -> ConnectorSettings {
    let credentials = Credentials::new("id", "secret", None, None, "test");
    ConnectorSettings {
        endpoints: endpoints.parse().unwrap(),
        ..ConnectorSettings::new(SharedCredentialsProvider::new(credentials))
    }
}

fn region(text: &str) -> Region {
    text.parse().unwrap()
}

#[test]
fn endpoints_parse() {
    let one: Endpoints = "https://localhost:9000/".parse().unwrap();
    assert_eq!(
        one.of(&region("eu-west-1")).unwrap().as_str(),
        "https://localhost:9000"
    );
    let two: Endpoints = "ap-northeast-1=https://127.0.0.1:1,ap-northeast-3=https://[::1]:2"
        .parse()
        .unwrap();
    let url = two.of(&region("ap-northeast-3")).unwrap();
    assert_eq!(url.as_str(), "https://[::1]:2");
    assert!(url.is_loopback() && url.needs_path_style() && !url.is_plaintext());
    assert_eq!(two.of(&region("us-east-1")), None);
    for bad in [
        "",
        "localhost:9000",
        "ftp://localhost",
        "https://host/path",
        "https://host?x=1",
        "https://user@host",
        "Tokyo=https://host",
        "https://a,https://b",
        "us-east-1=https://a,us-east-1=https://b",
    ] {
        assert!(bad.parse::<Endpoints>().is_err(), "{bad}");
    }
}

#[test]
fn buckets_go_into_the_path_where_names_cannot_have_them() {
    let path_style = |url: &str| url.parse::<EndpointUrl>().unwrap().needs_path_style();
    assert!(path_style("https://127.0.0.1:1"));
    assert!(path_style("https://localhost:1"));
    assert!(!path_style("https://s3.example.com"));
}

#[test]
fn plaintext_is_refused_except_to_loopback_on_request() {
    for url in [
        "http://localhost:1",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://a.localhost:1",
    ] {
        let refused = Connector::new(settings(url));
        assert!(matches!(refused, Err(ConnectError::Plaintext { .. })));
        let allowed = Connector::new(ConnectorSettings {
            allow_plaintext_loopback: true,
            ..settings(url)
        });
        assert!(allowed.is_ok(), "{url}");
    }
    for url in [
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "us-east-1=https://a.example,us-west-2=http://10.0.0.1",
    ] {
        let refused = Connector::new(ConnectorSettings {
            allow_plaintext_loopback: true,
            ..settings(url)
        });
        assert!(
            matches!(refused, Err(ConnectError::Plaintext { .. })),
            "{url}"
        );
    }
}

#[test]
fn a_region_without_endpoint_never_falls_back_to_aws() {
    let connector = Connector::new(ConnectorSettings {
        allow_plaintext_loopback: true,
        ..settings("ap-northeast-1=http://127.0.0.1:1")
    })
    .unwrap();
    assert!(connector.client(&region("ap-northeast-1")).is_ok());
    assert!(matches!(
        connector.client(&region("us-east-1")),
        Err(ConnectError::NoEndpoint { .. })
    ));
}

#[test]
fn bad_bundles_are_errors() {
    let bundle = |content: &[u8]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        Connector::new(ConnectorSettings {
            ca_bundle: Some(file.path().to_owned()),
            ..settings("https://127.0.0.1:1")
        })
    };
    assert!(matches!(bundle(b""), Err(ConnectError::BadBundle { .. })));
    assert!(matches!(
        bundle(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        Err(ConnectError::BadBundle { .. })
    ));
    assert!(matches!(
        bundle(b"-----BEGIN CERTIFICATE-----\n"),
        Err(ConnectError::BadBundle { .. })
    ));
    let missing = Connector::new(ConnectorSettings {
        ca_bundle: Some("/nonexistent/ca.pem".into()),
        ..settings("https://127.0.0.1:1")
    });
    let missing = missing.unwrap_err();
    assert!(matches!(missing, ConnectError::BundleUnreadable { .. }));
    assert!(missing.hint().unwrap().contains("AWS_CA_BUNDLE"));
}

#[test]
fn endpoints_of_s3_can_be_those_of_s3_alone() {
    let connector = |other_services| {
        Connector::new(ConnectorSettings {
            other_services,
            ..settings("https://s3.example.com")
        })
        .unwrap()
    };
    let at = region("eu-west-1");
    let of = |connector: &Connector| {
        let shared = connector.shared_config(&at).unwrap();
        shared.endpoint_url().map(str::to_owned)
    };
    assert_eq!(
        of(&connector(None)).as_deref(),
        Some("https://s3.example.com")
    );
    assert_eq!(of(&connector(Some(Endpoints::default()))), None);
    let refused = Connector::new(ConnectorSettings {
        other_services: Some("http://kms.example.com".parse().unwrap()),
        ..settings("https://s3.example.com")
    });
    assert!(matches!(refused, Err(ConnectError::Plaintext { .. })));
}
