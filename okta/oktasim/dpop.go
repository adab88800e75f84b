package oktasim

import (
	"net/http"
	"time"
)

const maxProofAge = 5 * time.Minute

// checkProof holds the DPoP proof of a request against it and uses up its jti. It returns the key the caller has proved to
// hold and what the proof says.
// https://developer.okta.com/docs/guides/dpop/ and https://www.rfc-editor.org/rfc/rfc9449#section-4.3
func (s *Server) checkProof(r *http.Request) (publicKey, signed, *oauthProblem) {
	headers := r.Header.Values("DPoP")
	switch {
	case len(headers) == 0 || headers[0] == "":
		return publicKey{}, signed{}, invalidProof("The DPoP proof JWT header is missing.")
	case len(headers) > 1:
		return publicKey{}, signed{}, invalidProof("Multiple DPoP proof JWT headers are not allowed.")
	}
	proof, ok := readSigned(headers[0])
	if !ok {
		return publicKey{}, signed{}, invalidProof("The DPoP proof JWT cannot be parsed.")
	}
	key, problem := proofKey(proof)
	if problem == nil {
		problem = s.checkProofClaims(proof, r)
	}
	if problem == nil && !s.proofs.use(key.thumbprint, proof.text("jti"), s.opts.Now(), s.opts.Now().Add(2*maxProofAge)) {
		problem = invalidProof("The DPoP proof JWT has already been used.")
	}
	return key, proof, problem
}

// proofKey is the key a proof brings along, after it has been found to have made the signature.
func proofKey(proof signed) (publicKey, *oauthProblem) {
	if proof.head("typ") != "dpop+jwt" {
		return publicKey{}, invalidProof("'typ' must be 'dpop+jwt' in the DPoP proof JWT.")
	}
	if !proof.allowed() {
		return publicKey{}, invalidProof("The DPoP proof JWT signature algorithm is invalid.")
	}
	key, ok := proof.publicKey()
	switch {
	case !ok:
		return publicKey{}, invalidProof("The DPoP proof JWT is invalid.")
	case !key.fits(proof.algorithm):
		return publicKey{}, invalidProof("The DPoP proof JWT signature algorithm is invalid.")
	case !proof.by(key):
		return publicKey{}, invalidProof("The DPoP proof JWT signature is invalid.")
	}
	return key, nil
}

func (s *Server) checkProofClaims(proof signed, r *http.Request) *oauthProblem {
	now := s.opts.Now()
	issued, hasIssued := proof.at("iat")
	expires, hasExpiry := proof.at("exp")
	switch {
	case proof.text("htm") != r.Method:
		return invalidProof("'htm' claim in the DPoP proof JWT is invalid.")
	case proof.text("htu") != calledURL(r):
		return invalidProof("'htu' claim in the DPoP proof JWT is invalid.")
	case !hasIssued:
		return invalidProof("'iat' claim in the DPoP proof JWT is invalid.")
	case issued.After(now):
		return invalidProof("The DPoP proof JWT is issued in the future.")
	case now.After(issued.Add(maxProofAge)):
		return invalidProof("The DPoP proof JWT is issued more than five minutes in the past.")
	case hasExpiry && !now.Before(expires):
		return invalidProof("The DPoP proof JWT is expired.")
	case proof.text("jti") == "":
		return invalidProof("'jti' claim in the DPoP proof JWT is invalid.")
	}
	return nil
}

// checkTokenProof is checkProof for the token endpoint, which wants its nonce repeated and not the key the client signs
// its assertions with.
func (s *Server) checkTokenProof(r *http.Request, client registered) (publicKey, *oauthProblem) {
	key, proof, problem := s.checkProof(r)
	if problem != nil {
		return publicKey{}, problem
	}
	for _, own := range client.keys {
		if own.thumbprint == key.thumbprint {
			return publicKey{}, invalidProof("The DPoP proof JWT is invalid.")
		}
	}
	if !s.nonces.accepts(proof.text("nonce"), s.opts.Now()) {
		return publicKey{}, &oauthProblem{http.StatusBadRequest, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof."}
	}
	return key, nil
}
