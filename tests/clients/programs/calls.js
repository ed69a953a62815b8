// Makes the calls of its second argument, [[method, argument...]...] in JSON, one after the other
// with the npm package `supervisord`, and prints what came of each: {"value": ...} or {"error": ...}.
//
//     node calls.js WHERE CALLS

const client = require('supervisord').connect(process.argv[2]);
const calls = JSON.parse(process.argv[3]);
const outcomes = [];

function next() {
  const call = calls.shift();
  if (!call) {
    process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
    return;
  }
  const [method, ...parameters] = call;
  client[method](...parameters, (error, value) => {
    const { message, faultCode, faultString } = error || {};
    outcomes.push(error ? { error: { message, faultCode, faultString } } : { value });
    next();
  });
}

next();
