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
