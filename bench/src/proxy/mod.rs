//! Proxies under measurement: started, loaded, ended. Two programs measure with it, `proxy` and
//! `report`; what they print is theirs.

pub mod contender;
pub mod load;
pub mod measure;
