// Reads a JSON list of messages from standard input and checks each with AWS's validator, which fetches the certificate from
// where the message says; then it must refuse each with one character changed. The argument is the host to trust.
//
// sns-validator leaves the token of an UnsubscribeConfirmation out of what the signature covers, other than AWS's documentation
// and its validators in other languages: those messages are checked here, as documented.
const crypto = require('crypto');
const https = require('https');
const Validator = require('sns-validator');

const host = new RegExp('^' + process.argv[2].replace(/\./g, '\\.') + '$');
const messages = JSON.parse(require('fs').readFileSync(0, 'utf8'));

function get(url) {
  return new Promise((done, failed) => https.get(url, res => {
    let text = '';
    res.on('data', d => text += d).on('end', () => done(text));
  }).on('error', failed));
}

async function documented(message) {
  const names = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const verify = crypto.createVerify(message.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256');
  verify.update(names.map(n => `${n}\n${message[n]}\n`).join(''), 'utf8');
  return verify.verify(await get(message.SigningCertURL), message.Signature, 'base64') ? null : new Error('The signature is invalid.');
}

function check(message) {
  if (message.Type === 'UnsubscribeConfirmation') return documented(message);
  return new Promise(done => new Validator(host).validate(message, err => done(err)));
}

(async () => {
  for (const message of messages) {
    const err = await check({ ...message });
    if (err) throw new Error(`${message.Type} ${message.SignatureVersion}: ${err.message}`);
    if (!(await check({ ...message, Message: message.Message + ' ' }))) throw new Error(`${message.Type}: a changed message was accepted`);
  }
  console.log(`${messages.length} verified`);
})().catch(err => { console.error(err); process.exit(1); });
