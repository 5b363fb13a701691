"""The main job: train a network on handwritten digits and write a report with pictures."""
