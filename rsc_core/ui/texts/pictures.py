"""Alternative texts of the pictures."""

ALT = {
    "atlas": "Waveform of the synthesised sound, its breaths and events on one time axis, and its log-mel spectrogram",
    "atlas-hybrid": "Hybrid spectrogram of the same sound: CQT, Gammatone, Mel",
    "namings": "Probability that each model gives the sound, over its level against the breath",
    "built": "Waveform of the built sound, its breaths and events on one time axis, and its log-mel spectrogram",
    "cycles": "Waveform with its cycles coloured by label",
    "log-mel": "Log-mel spectrogram of the chosen cycle",
    "hybrid": "Hybrid spectrogram of the chosen cycle: CQT, Gammatone, Mel",
    "attention": "Attention of the last layer and rollout over the log-mel spectrogram",
    "maps": "Attention of each model over the same spectrogram",
    "difference": "What the tuned model reads more or less than its base",
    "dial": "Probability of each class over the share of the tuning",
    "changes": "Change of each matrix, by block and projection",
    "spectra": "Singular values of the chosen change",
    "quiz": "Log-mel spectrogram of the sound with its events marked",
    "mix": "Log-mel spectrograms of two cycles and, between them, of their mix; exchanged patches are outlined",
}
