// <account-menu> and the sign-in dialog: who the server takes this browser for, where it asks for tokens.

import { element } from "./dom.js";
import { moment } from "./format.js";
import { Problem } from "./problem.js";

/** @typedef {import("./graph-api.js").GraphAPI} GraphAPI */

/**
 * @typedef {object} Session
 * @property {boolean} auth_required
 * @property {boolean} authenticated
 * @property {string | null} name Of the token.
 * @property {string[]} scopes
 * @property {string | null} expires_at
 */

/** What a token's holder may do, in words. */
const scopeWords = /** @type {Record<string, string>} */ ({ read: "look", run: "run", edit: "edit graphs", admin: "administer" });

export class AccountMenu extends HTMLElement {
    /** @type {GraphAPI | null} */
    #api = null;
    /** @type {Session | null} */
    #session = null;
    #isAsking = false;
    #name = element("span", { class: "account-name" });
    #out = element("button", { type: "button", class: "button", onclick: () => this.#signOut() }, "Sign out");
    #dialog = new SignInDialog();

    /** Called once somebody has signed in. */
    onSignedIn = () => {};

    connectedCallback() {
        if (this.firstChild) return;
        this.hidden = true;
        this.append(this.#name, this.#out);
    }

    /**
     * Asks for a token where the server wants one.
     * @param {GraphAPI} api
     * @returns {Promise<void>} Once there is somebody, or nobody need be.
     */
    async open(api) {
        this.#api = api;
        api.onUnauthorized = () => this.ask();
        await this.#load();
        if (this.#session?.auth_required && !this.#session.authenticated) await this.ask();
    }

    async #load() {
        try {
            this.#session = await /** @type {GraphAPI} */ (this.#api).session();
        } catch {
            // Without an answer, the next request says so.
            this.#session = null;
        }
        const session = this.#session;
        this.hidden = !session?.auth_required || !session.authenticated;
        if (!session || this.hidden) return;
        this.#name.textContent = session.name ?? "Signed in";
        const may = session.scopes.map((scope) => scopeWords[scope] ?? scope).join(", ");
        this.title = `May ${may}.${session.expires_at ? ` Signed in until ${moment(session.expires_at)}.` : ""}`;
    }

    /** Asks for a token, once however many requests were refused. */
    async ask() {
        if (this.#isAsking || !this.#api) return;
        this.#isAsking = true;
        this.hidden = true;
        await this.#dialog.ask(this.#api);
        this.#isAsking = false;
        await this.#load();
        this.onSignedIn();
    }

    async #signOut() {
        try {
            await this.#api?.signOut();
        } catch {
            // It has ended already, then.
        }
        location.reload();
    }
}

class SignInDialog {
    #token = element("input", {
        type: "password", name: "token", autocomplete: "current-password", required: true, "aria-describedby": "sign-in-fault sign-in-help",
    });
    #fault = element("p", { class: "field-fault", id: "sign-in-fault", role: "alert" });
    #submit = element("button", { class: "button primary" }, "Sign in");
    #form = element("form", { method: "dialog" },
        element("h2", { id: "sign-in-title" }, "Sign in"),
        element("p", { id: "sign-in-help" }, "This server asks for an access token. Whoever runs it makes one with ",
            element("code", {}, "millrace token create"), "."),
        element("label", { class: "field" }, "Access token", this.#token), this.#fault,
        element("div", { class: "dialog-buttons" }, this.#submit));
    #dialog = element("dialog", { class: "dialog", "aria-labelledby": "sign-in-title" }, this.#form);

    /**
     * @param {GraphAPI} api
     * @returns {Promise<void>} Once the server knows the token.
     */
    ask(api) {
        document.body.append(this.#dialog);
        this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
        this.#dialog.showModal();
        this.#token.focus();
        return new Promise((resolve) => {
            this.#form.onsubmit = async (event) => {
                event.preventDefault();
                this.#submit.disabled = true;
                this.#fault.textContent = "";
                try {
                    await api.signIn(this.#token.value.trim());
                    this.#token.value = "";
                    this.#dialog.close();
                    this.#dialog.remove();
                    resolve();
                } catch (error) {
                    const problem = Problem.from(error);
                    this.#fault.textContent = problem.status === 401
                        ? "The server does not know this token, or it has expired. Check that all of it was pasted." : problem.message;
                    this.#token.select();
                }
                this.#submit.disabled = false;
            };
        });
    }
}

customElements.define("account-menu", AccountMenu);

