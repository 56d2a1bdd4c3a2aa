"""WebSocket that clients of the OpenAI Realtime API can talk to, with the face's curves beside the sound."""
