"""What an organiser hands to partners and newsletters."""
