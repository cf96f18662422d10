//! What every server does, without its being compared with a real one.
