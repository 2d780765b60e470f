"""What the firmware costs against the float encoder, at several β."""
