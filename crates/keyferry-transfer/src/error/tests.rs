use super::*;

fn answer(code: &str, message: &str) -> Box<ServiceAnswer> {
    Box::new(ServiceAnswer {
        status: 403,
        code: Some(code.to_owned()),
        message: Some(message.to_owned()),
        request_id: None,
    })
}

#[test]
fn errors_read_as_sentences() {
    let address: ObjectAddress = "s3://bucket/a b".parse().unwrap();
    let error = TransferError::WrongKey {
        address: address.clone(),
        version_id: Some("v1".to_owned()),
        answer: answer("AccessDenied", "Access Denied."),
    };
    assert_eq!(
        error.to_string(),
        "`s3://bucket/a b` version `v1` is encrypted under another customer key"
    );
    assert_eq!(error.kind(), ErrorKind::Key);
    let left = TransferError::LeftBehind {
        cause: Box::new(TransferError::Interrupted),
        left: LeftUpload {
            address,
            upload_id: "u1".to_owned(),
            reason: "HTTP 403".to_owned(),
        },
    };
    assert_eq!(
        left.to_string(),
        "interrupted; the parts already sent are still stored: multipart upload `u1` of `s3://bucket/a b` could not be aborted (HTTP 403)"
    );
    assert_eq!(left.kind(), ErrorKind::Interrupted);
    assert!(left.hint().unwrap().contains("--upload-id u1"));
    assert_eq!(
        answer("AccessDenied", "Access Denied.").to_string(),
        "HTTP 403 AccessDenied, Access Denied"
    );
}

#[test]
fn what_can_be_acted_on_has_a_hint() {
    let unreadable = |kind: io::ErrorKind| TransferError::SourceUnreadable {
        path: "file".into(),
        source: kind.into(),
    };
    let unwritable = |kind: io::ErrorKind| TransferError::TargetUnwritable {
        path: "file".into(),
        source: kind.into(),
    };
    let label = |what| TransferError::BadLabel {
        what,
        name: "name".to_owned(),
        rule: "it is given twice",
    };
    let service = |status, code: Option<&str>| TransferError::Service {
        operation: "PutObject",
        answer: Box::new(ServiceAnswer {
            status,
            code: code.map(str::to_owned),
            message: None,
            request_id: None,
        }),
    };
    let refused = |code| TransferError::RefusedCredentials {
        answer: answer(code, ""),
    };
    for (error, part) in [
        (unreadable(io::ErrorKind::NotFound), "check the path"),
        (unreadable(io::ErrorKind::PermissionDenied), "may not read"),
        (unreadable(io::ErrorKind::IsADirectory), "-r uploads"),
        (
            unwritable(io::ErrorKind::PermissionDenied),
            "choose a folder",
        ),
        (unwritable(io::ErrorKind::InvalidFilename), "shorter name"),
        (TransferError::TooLarge { size: 1 << 46 }, "several objects"),
        (label("tag"), "--metadata"),
        (label("metadata"), "base64"),
        (service(500, Some("InternalError")), "try again later"),
        (service(403, Some("InvalidObjectState")), "restore"),
        (service(400, Some("InvalidRequest")), "ErrorResponses.html"),
        (service(400, None), "proxy"),
        (refused("SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"),
        (refused("InvalidAccessKeyId"), "access key exists"),
        (refused("InvalidToken"), "AWS_SESSION_TOKEN"),
        (
            TransferError::ClockSkewed {
                answer: answer("RequestTimeTooSkewed", ""),
            },
            "clock",
        ),
        (TransferError::Task("x".to_owned()), "report"),
    ] {
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains(part), "{error}: {hint}");
    }
    assert_eq!(unreadable(io::ErrorKind::InvalidData).hint(), None);
    assert_eq!(TransferError::Interrupted.hint(), None);
}
