//! Where instances come from: Auto Scaling groups and tagged servers, behind one face.
