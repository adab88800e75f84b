// The sign-out page. Everything happens between this browser and Okta: the session
// cookie is sent by the browser itself, and no script can read it.

const okta = document.body.dataset.okta;
const patience = 15_000; // milliseconds for one answer of Okta

const byId = (id) => document.getElementById(id);
const result = byId('result');
let busy = false;
let trusted = false; // Okta has answered this page before

// ask calls Okta with the person's session cookie and gives what this page
// uses of the answer; it throws when there is none that the page may read.
async function ask(method, path, body) {
  const answer = await fetch(okta + path, {
    method,
    mode: 'cors',
    credentials: 'include',
    cache: 'no-store',
    redirect: 'error',
    headers: body ? { Accept: 'application/json', 'Content-Type': 'application/json' } : { Accept: 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(patience),
  });
  const json = await answer.json().catch(() => ({})); // a success may have no body
  return {
    status: answer.status,
    code: match(json?.errorCode, /^E\d{7}$/),
    request: match(answer.headers.get('X-Okta-Request-Id'), /^[\w-]{1,64}$/),
    login: typeof json?.login === 'string' ? json.login : '',
  };
}

const match = (text, form) => (typeof text === 'string' && form.test(text) ? text : '');

// whyNoAnswer tells an Okta that does not trust this page from one that is not there: a
// request whose answer nobody may read gets through to the first.
async function whyNoAnswer() {
  try {
    await fetch(okta + '/api/v1/sessions/me', {
      mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(patience),
    });
    return 'untrusted';
  } catch {
    return 'unreachable';
  }
}

// meaning names the template for an answer that is not a success.
// https://developer.okta.com/docs/reference/error-codes/
function meaning({ status, code }) {
  if (status === 401 || code === 'E0000005') return 'signed-out';
  if (status === 429) return 'busy';
  if (status >= 500) return 'trouble';
  return 'refused';
}

function say(what, { status, code, request } = {}) {
  const said = byId('said-' + what).content.cloneNode(true);
  for (const place of said.querySelectorAll('.origin')) place.textContent = location.origin;
  if (status >= 400 && what !== 'signed-out') {
    const details = document.createElement('p');
    details.className = 'details';
    details.textContent = ['Okta said ' + status, code, request && 'request ' + request].filter(Boolean).join(', ') + '.';
    said.append(details);
  }
  result.className = what === 'others' || what === 'everywhere' ? 'good' : 'notice';
  result.replaceChildren(said);
}

function wait(text) {
  const said = document.createElement('p');
  said.textContent = text;
  result.className = '';
  result.replaceChildren(said);
}

// offer shows or hides the buttons. Where they vanish under a person's hands, the focus
// goes to what has taken their place.
function offer(shown) {
  const hadFocus = byId('choices').contains(document.activeElement);
  byId('choices').hidden = !shown;
  if (!shown && hadFocus) result.focus();
}

function showLogin(login) {
  byId('login').textContent = login;
  byId('who').hidden = login === '';
}

function setBusy(now) {
  busy = now;
  // Not disabled: that would take the focus away.
  for (const button of byId('choices').querySelectorAll('button')) button.setAttribute('aria-disabled', String(now));
}

async function signOut(keepCurrent) {
  if (busy) return;
  setBusy(true);
  wait('Asking Okta…');
  try {
    const answer = await ask('POST', '/api/v1/users/me/lifecycle/delete_sessions', { keepCurrent });
    const done = answer.status === 200 || answer.status === 204;
    const what = done ? (keepCurrent ? 'others' : 'everywhere') : meaning(answer);
    say(what, answer);
    if (what === 'everywhere' || what === 'signed-out') {
      showLogin('');
      offer(false);
    }
  } catch {
    // A browser asks Okta first and sends an order only with its consent; so without
    // trust nothing happened. Else the order may have got through before it was cut off.
    const why = await whyNoAnswer();
    say(why === 'untrusted' && !trusted ? why : 'unknown');
  } finally {
    setBusy(false);
  }
}

// look asks who is signed in. The buttons are kept from a person only where they would
// certainly do nothing.
async function look() {
  wait('Asking Okta who is signed in…');
  try {
    const answer = await ask('GET', '/api/v1/sessions/me');
    trusted = true;
    showLogin(answer.login);
    if (answer.status === 404 || meaning(answer) === 'signed-out') {
      say('signed-out');
      return;
    }
    result.replaceChildren();
    result.className = '';
    offer(true);
  } catch {
    const why = await whyNoAnswer();
    say(why);
    offer(why === 'unreachable');
  }
}

byId('others').addEventListener('click', () => signOut(true));
byId('everywhere').addEventListener('click', () => signOut(false));
await look();
