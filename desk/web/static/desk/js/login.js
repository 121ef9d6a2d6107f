// The login form: stays on the page and says what is wrong.

import { post } from './api.js';
import { $, t } from './text.js';

const form = $('#login');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = $('button', form);
  const error = $('#login-error');
  error.textContent = '';
  button.disabled = true;
  button.textContent = t('login.busy');
  const answer = await post(form.getAttribute('action'), Object.fromEntries(new FormData(form)));
  if (answer.ok) {
    location.replace(location.pathname + location.search);
    return;
  }
  button.disabled = false;
  button.textContent = t('login.submit');
  error.textContent = answer.status === 401 ? t('login.wrong') : answer.message;
  const password = $('#login-password');
  password.value = '';
  password.focus();
});
