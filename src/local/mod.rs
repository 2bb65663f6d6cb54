//! The local region: the cloud's APIs and an object store on 127.0.0.1, around a simulated group on virtual time.
