"""How an alert travels: in partners' frames, in newsletters' links, as a picture of its own."""
