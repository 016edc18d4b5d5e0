"""Quality by the field's protocols, and speed by stage."""
