package verify

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What a token's claims lack.
var (
	errTokenTime = errors.New("the token has no expiry, is expired, too old or not valid yet")
	errIssuer    = errors.New("the token is of another issuer")
	errAudience  = errors.New("the token is for somebody else")
	errClaim     = errors.New("a required claim is missing or differs")
)

// tokenRules are what a token must say.
type tokenRules struct {
	algorithms []string
	typ        string
	issuer     string
	audience   []string
	claims     map[string]string
	maxAge     time.Duration
	leeway     time.Duration
	timeless   bool
}

func newTokenRules(config Config) tokenRules {
	settings := config.JWT
	return tokenRules{
		algorithms: settings.algorithms(),
		typ:        settings.Type,
		issuer:     settings.Issuer,
		audience:   config.audience(),
		claims:     settings.Claims,
		maxAge:     settings.MaxAge,
		leeway:     settings.Leeway,
		timeless:   settings.Timeless,
	}
}

func (s *JWT) algorithms() []string {
	if len(s.Algorithms) == 0 {
		return []string{"RS256"}
	}
	return s.Algorithms
}

// audience is the URL if none is given, as Pub/Sub pushes it by default, unless the URL is
// there for its hash: senders that hash it give no audience.
func (c Config) audience() []string {
	if len(c.JWT.Audience) == 0 && c.URL != "" && c.JWT.URLHash == "" {
		return []string{c.URL}
	}
	return c.JWT.Audience
}

func (r tokenRules) check(claims jwt.MapClaims, now time.Time) error {
	if err := r.checkTimes(claims, now); err != nil {
		return err
	}
	if err := r.checkParties(claims); err != nil {
		return err
	}
	return r.checkClaims(claims)
}

// checkTimes checks exp, nbf and iat, all of which a timeless token may miss or have past;
// max_age counts for those too.
func (r tokenRules) checkTimes(claims jwt.MapClaims, now time.Time) error {
	if r.maxAge > 0 {
		issued, err := claims.GetIssuedAt()
		if err != nil || issued == nil {
			return errTokenTime
		}
		if now.Sub(issued.Time) > r.maxAge+r.leeway || issued.Sub(now) > r.leeway {
			return errTokenTime
		}
	}
	if r.timeless {
		return nil
	}
	if r.validator(now).Validate(onlyTimes(claims)) != nil {
		return errTokenTime
	}
	return nil
}

func onlyTimes(claims jwt.MapClaims) jwt.MapClaims {
	times := jwt.MapClaims{}
	for _, name := range []string{"exp", "nbf", "iat"} {
		if value, given := claims[name]; given {
			times[name] = value
		}
	}
	return times
}

func (r tokenRules) validator(now time.Time) *jwt.Validator {
	return jwt.NewValidator(jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(r.leeway),
		jwt.WithTimeFunc(func() time.Time { return now }))
}

// checkParties checks who made the token, and for whom. An empty rule is none.
func (r tokenRules) checkParties(claims jwt.MapClaims) error {
	if issuer, err := claims.GetIssuer(); r.issuer != "" && (err != nil || issuer != r.issuer) {
		return errIssuer
	}
	if len(r.audience) == 0 {
		return nil
	}
	given, err := claims.GetAudience()
	if err != nil || !slices.ContainsFunc(given, func(audience string) bool { return slices.Contains(r.audience, audience) }) {
		return errAudience
	}
	return nil
}

func (r tokenRules) checkClaims(claims jwt.MapClaims) error {
	for _, name := range slices.Sorted(maps.Keys(r.claims)) {
		if text, ok := claimText(claims[name]); !ok || text != r.claims[name] {
			return errClaim
		}
	}
	return nil
}

// claimText is a claim as settings write it: a string as it is, true, false, or a number
// as it is in the token.
func claimText(claim any) (string, bool) {
	switch claim := claim.(type) {
	case string:
		return claim, true
	case bool:
		return strconv.FormatBool(claim), true
	case json.Number:
		return claim.String(), true
	}
	return "", false
}
