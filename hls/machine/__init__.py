"""What is known of the machine that this runs on, and what every room may ask of it."""
