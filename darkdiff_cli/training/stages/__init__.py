"""What trains in each stage, and on which loss."""
