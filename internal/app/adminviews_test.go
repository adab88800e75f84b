package app_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

func decode[T any](t *testing.T, given answer, status int) T {
	t.Helper()
	require.Equal(t, status, given.status, given.body)
	var value T
	require.NoError(t, json.Unmarshal([]byte(given.body), &value))
	return value
}

// jobs lists the jobs in a state; empty means any.
func (r *rig) jobs(state string) []revocation.JobState {
	r.t.Helper()
	list := decode[struct {
		Jobs []revocation.JobState `json:"jobs"`
	}](r.t, r.admin(http.MethodGet, "/api/v1/jobs?limit=1000&state="+state, ""), http.StatusOK)
	return list.Jobs
}

func (r *rig) job(id string) revocation.JobState {
	r.t.Helper()
	return decode[revocation.JobState](r.t, r.admin(http.MethodGet, "/api/v1/jobs/"+id, ""), http.StatusOK)
}

// letters lists the dead letters without their bytes, newest first.
func (r *rig) letters() []revocation.DeadLetter {
	r.t.Helper()
	list := decode[struct {
		Dead []revocation.DeadLetter `json:"dead"`
	}](r.t, r.admin(http.MethodGet, "/api/v1/dead?limit=1000", ""), http.StatusOK)
	return list.Dead
}

// dead gives the dead letters whole, newest first.
func (r *rig) dead() []revocation.DeadLetter {
	r.t.Helper()
	var whole []revocation.DeadLetter
	for _, letter := range r.letters() {
		whole = append(whole, decode[revocation.DeadLetter](r.t,
			r.admin(http.MethodGet, "/api/v1/dead/"+letter.ID, ""), http.StatusOK))
	}
	return whole
}

func (r *rig) redrive(id string) {
	r.t.Helper()
	given := r.admin(http.MethodPost, "/api/v1/dead/"+id+"/redrive", "{}")
	require.Equal(r.t, http.StatusOK, given.status, given.body)
}
