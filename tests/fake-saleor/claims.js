// claims.js: what the tests here need: claims that are counted, and a fake of their own to talk to.
'use strict';

const assert = require('assert');
const http = require('http');
const path = require('path');
const { spawn } = require('child_process');

const counts = { passed: 0, failed: 0 };
const agent = new http.Agent({ keepAlive: true });

async function claim(words, prove) {
    try {
        await prove();
        counts.passed++;
    } catch (error) {
        counts.failed++;
        console.log(`not so: ${words}\n    ${String(error.stack).split('\n').join('\n    ')}`);
    }
}

function close() {
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
    agent.destroy();
    process.exitCode = counts.failed ? 1 : 0;
}

// A request: {status, headers, text, json}; rejects when the connection ends without a whole answer.
function ask(port, method, url, { body, headers = {}, timeout = 20000 } = {}) {
    return new Promise((resolve, reject) => {
        const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
        const request = http.request({
            host: '127.0.0.1',
            port,
            method,
            path: url,
            agent,
            timeout,
            headers: { 'Content-Length': Buffer.byteLength(text), ...headers },
        });

        request.on('timeout', () => request.destroy(new Error('timed out')));
        request.on('error', reject);
        request.on('response', (response) => {
            const chunks = [];

            response.on('data', (chunk) => chunks.push(chunk));
            response.on('error', reject);
            response.on('end', () => {
                const answer = Buffer.concat(chunks).toString();
                let json = null;

                try {
                    json = JSON.parse(answer);
                } catch {
                    json = null;
                }
                resolve({ status: response.statusCode, headers: response.headers, text: answer, json });
            });
        });
        request.end(text);
    });
}

class Fake {
    // Starts main.js; its port is what it prints.
    static async start(options = [], environment = {}) {
        const fake = new Fake();

        fake.process = spawn(process.execPath, [path.join(__dirname, 'main.js'), ...options], {
            env: { ...process.env, ...environment },
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        fake.exit = new Promise((resolve) => fake.process.on('exit', (code, signal) => resolve(signal || code)));
        fake.port = await new Promise((resolve, reject) => {
            fake.process.stdout.on('data', (chunk) => {
                const [, port] = /^listening on 127\.0\.0\.1:(\d+)$/m.exec(chunk.toString()) || [];

                if (port) resolve(Number(port));
            });
            fake.exit.then((code) => reject(new Error(`it ended with ${code}`)));
        });
        return fake;
    }

    get(url) {
        return ask(this.port, 'GET', url).then((answer) => answer.json);
    }

    async post(url, body) {
        const answer = await ask(this.port, 'POST', url, { body });

        assert.strictEqual(answer.status, 200, `${url}: ${answer.text}`);
        return answer.json;
    }

    control(settings) {
        return this.post('/control', settings);
    }

    async reset() {
        for (const url of ['/control', '/inspect']) await ask(this.port, 'DELETE', url);
        await this.control({ webhook: null });
    }

    // The whole answer of the API to a document.
    graphql(query, variables, { token = 'secret', timeout } = {}) {
        return ask(this.port, 'POST', '/graphql/', {
            body: { query, variables },
            timeout,
            headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
        });
    }

    // What its one root field gave; throws where the document has errors.
    async run(query, variables) {
        const { json } = await this.graphql(query, variables);

        assert.ok(json && json.data && !json.errors, JSON.stringify(json));
        return Object.values(json.data)[0];
    }

    stop() {
        this.process.kill('SIGTERM');
        return this.exit;
    }
}

// Until it is true; says so when it never is.
async function until(what, holds) {
    for (const end = Date.now() + 10000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 10)))
        if (await holds()) return;
    throw new Error(`never: ${what}`);
}

module.exports = { assert, ask, claim, close, Fake, until };
