"""What is computed is what was meant, proved for every input: links from the graph to what is written of it."""

from hls.proof.certificate import PROOF, PROOF_FILE, Counterexample, Link, Proof, read_proof
from hls.proof.chain import prove, unproved
from hls.proof.subject import NotClosedError, Subject, Tested

__all__ = [
    "PROOF",
    "PROOF_FILE",
    "Counterexample",
    "Link",
    "NotClosedError",
    "Proof",
    "Subject",
    "Tested",
    "prove",
    "read_proof",
    "unproved",
]
