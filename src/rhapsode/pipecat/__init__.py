"""A face, ears and a voice as ordinary parts of a Pipecat pipeline (extra ``converse``).

    microphone -> TurnTaking -> Hearing -> Thinking -> Marking -> Voicing -> Performing -> a live session

Every part is a `FrameProcessor` of Pipecat and speaks Pipecat's frames, so that any of them can be left out,
or be replaced by a service of Pipecat; `rhapsode.conversation` puts them together.
"""
