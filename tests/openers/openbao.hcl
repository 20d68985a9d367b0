# One node with raft storage, TLS, and an audit log. PLACE and PORT are filled in.
ui            = false
disable_mlock = true
api_addr      = "https://127.0.0.1:PORT"
cluster_addr  = "https://127.0.0.1:CLUSTER"

storage "raft" {
  path    = "PLACE/raft"
  node_id = "one"
}

listener "tcp" {
  address         = "127.0.0.1:PORT"
  cluster_address = "127.0.0.1:CLUSTER"
  tls_cert_file   = "PLACE/server.pem"
  tls_key_file    = "PLACE/server.key"
}

audit "file" "file" {
  options {
    file_path = "PLACE/audit.log"
  }
}
