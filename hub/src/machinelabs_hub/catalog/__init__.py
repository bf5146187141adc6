"""Images and flavours that a site offers."""
