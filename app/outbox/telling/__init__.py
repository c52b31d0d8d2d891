"""What a notice tells of, found when it is claimed."""
