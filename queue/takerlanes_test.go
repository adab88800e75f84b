package queue

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// from is a job of a source.
func from(source, name string) revocation.Task {
	made := job(name, revocation.LaneHigh)
	made.Source, made.Signal = source, name
	return revocation.Task{Job: made}
}

func TestWindowGivesSourcesTurns(t *testing.T) {
	t.Parallel()
	w := newWindow()
	for i := range 4 {
		w.push(from("noisy", "n"+strconv.Itoa(i)))
	}
	w.push(from("quiet", "q0"))
	w.push(from("other", "o0"))
	w.push(from("quiet", "q1"))

	var got []string
	for w.size > 0 {
		got = append(got, w.pop().Job.Signal)
		if len(got) == 3 {
			w.push(from("late", "l0"))
		}
	}

	require.Equal(t, []string{"n0", "q0", "o0", "n1", "q1", "l0", "n2", "n3"}, got)
	require.Empty(t, w.sources)
	require.Empty(t, w.turns)
}

func TestWindowIsBounded(t *testing.T) {
	t.Parallel()
	w := newWindow()
	for i := range windowSize {
		require.False(t, w.full())
		w.push(from(strconv.Itoa(i%3), strconv.Itoa(i)))
	}
	require.True(t, w.full())
	seen := 0
	w.each(func(revocation.Task) { seen++ })
	require.Equal(t, windowSize, seen)
	w.pop()
	require.False(t, w.full())
}

// laden has so many jobs on each lane, most urgent first.
func laden(jobs ...int) *lanes {
	l := newLanes(len(jobs))
	for i, count := range jobs {
		for n := range count {
			task := from("okta", strconv.Itoa(n))
			task.Job.Lane = revocation.Lanes()[i]
			l.put(l.all[i], task, false)
		}
	}
	return l
}

func served(t *testing.T, l *lanes, takes int) map[revocation.Lane]int {
	t.Helper()
	count := make(map[revocation.Lane]int)
	for range takes {
		task, found, _, _ := l.take(true, false)
		require.True(t, found)
		count[task.Job.Lane]++
	}
	return count
}

func TestLanesShares(t *testing.T) {
	t.Parallel()
	const many = 200
	for name, c := range map[string]struct {
		jobs []int
		want map[revocation.Lane]int // of the first 120 takes
	}{
		"urgent alone":  {[]int{many, 0, 0, 0}, map[revocation.Lane]int{revocation.LaneCritical: 120}},
		"lowest alone":  {[]int{0, 0, 0, many}, map[revocation.Lane]int{revocation.LaneBulk: 120}},
		"two":           {[]int{many, 0, 0, many}, map[revocation.Lane]int{revocation.LaneCritical: 114, revocation.LaneBulk: 6}},
		"without first": {[]int{0, many, many, 0}, map[revocation.Lane]int{revocation.LaneHigh: 114, revocation.LaneNormal: 6}},
		"all":           {[]int{many, many, many, many}, map[revocation.Lane]int{revocation.LaneCritical: 114, revocation.LaneHigh: 2, revocation.LaneNormal: 2, revocation.LaneBulk: 2}},
		"urgent ends":   {[]int{19, many, 0, 0}, map[revocation.Lane]int{revocation.LaneCritical: 19, revocation.LaneHigh: 101}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, served(t, laden(c.jobs...), 120))
		})
	}
}

// Whoever is kept free for critical jobs gets no other, not even at the others' turn.
func TestLanesForTheUrgentOnly(t *testing.T) {
	t.Parallel()
	l := laden(0, 5, 0, 5)
	_, found, coming, changed := l.take(true, true)
	require.False(t, found)
	require.False(t, coming)
	urgent := from("okta", "urgent")
	l.put(l.all[0], urgent, false)
	<-changed
	task, found, _, _ := l.take(true, true)
	require.True(t, found)
	require.Equal(t, urgent, task)

	l = laden(100, 0, 0, 100)
	for range 2 * sharedTake {
		task, found, _, _ := l.take(true, true)
		require.True(t, found)
		require.Equal(t, revocation.LaneCritical, task.Job.Lane)
	}
}

// In any row of so many takes, a lane below gets one, and no more.
func TestLanesShareComesAtItsTurn(t *testing.T) {
	t.Parallel()
	l := laden(100, 0, 0, 100)
	for range 4 {
		require.Equal(t, map[revocation.Lane]int{revocation.LaneCritical: sharedTake - 1}, served(t, l, sharedTake-1))
		require.Equal(t, map[revocation.Lane]int{revocation.LaneBulk: 1}, served(t, l, 1))
	}
}

// A more urgent job that is just coming is waited for, but not for ever.
func TestLanesPatience(t *testing.T) {
	t.Parallel()
	l := laden(0, 1, 1, 0)
	l.all[0].coming = true
	_, found, coming, changed := l.take(true, false)
	require.False(t, found)
	require.True(t, coming)

	urgent := from("okta", "urgent")
	l.put(l.all[0], urgent, false)
	<-changed
	task, found, _, _ := l.take(true, false)
	require.True(t, found)
	require.Equal(t, urgent, task)

	l.all[0].coming = true
	task, found, _, _ = l.take(false, false)
	require.True(t, found)
	require.Equal(t, revocation.LaneHigh, task.Job.Lane)
	require.False(t, l.all[0].coming, "and not waited for again")

	l = laden(0, 0, 0, 0)
	_, found, coming, _ = l.take(true, false)
	require.False(t, found)
	require.False(t, coming)
}
